"""Nights: stages written down one by one become the sleeps that they were, in whatever order they come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingestion.sources.nights import Segment, nights_of
from pipelines.ingestion.sources.samples import Sample, Samples

HOUR = 3_600_000
NIGHT = int(datetime(2024, 1, 14, 22, tzinfo=UTC).timestamp() * 1000)


def a_segment(start: float, end: float, stage: str = "asleep") -> Segment:
    """A stage between two hours after ten in the evening."""
    return Segment(round(NIGHT + start * HOUR), round(NIGHT + end * HOUR), stage)


def sleeps(*segments: Segment) -> list[dict[str, Any]]:
    return list(nights_of(segments))


def test_waking_for_less_than_two_hours_ends_no_sleep() -> None:
    (night,) = sleeps(a_segment(0, 3), a_segment(4.5, 7))

    assert night["asleep_minutes"] == 330


def test_nap_is_short_and_follows_a_sleep_after_hours_awake() -> None:
    night, nap = sleeps(a_segment(0, 8), a_segment(16, 17))

    assert (night["is_nap"], nap["is_nap"]) == (False, True)


def test_second_half_of_a_broken_night_is_no_nap() -> None:
    assert [part["is_nap"] for part in sleeps(a_segment(0, 4), a_segment(6.5, 8))] == [False, False]


def test_first_sleep_of_all_is_no_nap_and_neither_is_a_long_one_by_day() -> None:
    assert [part["is_nap"] for part in sleeps(a_segment(0, 1), a_segment(8, 14))] == [False, False]


def test_stage_written_twice_was_slept_once() -> None:
    (night,) = sleeps(a_segment(0, 2, "deep"), a_segment(0, 2, "deep"), a_segment(1, 3, "deep"))

    assert (night["asleep_minutes"], night["deep_minutes"]) == (180, 180)


def test_lying_awake_before_falling_asleep_is_not_waking_up() -> None:
    (night,) = sleeps(
        a_segment(0, 1, "awake"), a_segment(1, 3), a_segment(3, 3.5, "awake"), a_segment(3.5, 6)
    )

    assert night["awake_minutes"] == 30


def test_chain_of_overlapping_records_makes_no_sleep_of_a_year() -> None:
    chain = [a_segment(hours, hours + 20) for hours in range(0, 2_000, 10)]

    assert max(night["asleep_minutes"] for night in sleeps(*chain)) <= 24 * 60


@given(st.permutations(range(12)))
def test_order_of_the_records_changes_nothing(order: list[int]) -> None:
    samples = [
        Sample(
            "sleep",
            "v",
            "s",
            "s",
            NIGHT + n * HOUR,
            NIGHT + (n + 1) * HOUR,
            label="light" if n % 2 else "rem",
        )
        for n in range(6)
    ] + [Sample("steps", "v", "s", None, NIGHT + n * 600_000, NIGHT, value=n * 1_000) for n in range(6)]

    assert _rows(samples) == _rows([samples[position] for position in order])


def test_later_records_change_no_earlier_row() -> None:
    early = [
        Sample("sleep", "v", "s", "s", NIGHT, NIGHT + 8 * HOUR, label="asleep"),
        Sample("heart_rate", "v", "s", None, NIGHT, NIGHT, value=61_000),
    ]
    late = [
        Sample("sleep", "v", "s", "s", NIGHT + 24 * HOUR, NIGHT + 31 * HOUR, label="asleep"),
        Sample("heart_rate", "v", "s", None, NIGHT + 30 * HOUR, NIGHT + 30 * HOUR, value=66_000),
    ]

    rows = _rows(late + early)

    assert all(row in rows for row in _rows(early))


def _rows(samples: list[Sample]) -> list[dict[str, Any]]:
    with Samples() as waiting:
        for sample in samples:
            waiting.add(sample)
        return list(waiting.rows())
