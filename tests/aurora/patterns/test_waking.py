"""A day's rating is that of the waking day: what was rated before the night was over does not follow it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from aurora.patterns.series import DayValue
from aurora.patterns.waking import Night, Rating, waking_days

DAY = date(2026, 3, 2)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)


def energy(value: float, moment: datetime | None, form_id: str | None = None) -> Rating:
    return Rating(DAY, "energy", value, moment, form_id)


def night(ended_at: datetime | None, form_id: str | None = None) -> Night:
    return Night(DAY, ended_at, form_id)


def of_energy(value: float) -> tuple[DayValue, ...]:
    return (DayValue(DAY, "energy", value),)


def test_a_rating_between_midnight_and_bedtime_is_not_of_the_day_after_the_night() -> None:
    ratings = [energy(2, at(0, 30)), energy(6, at(9)), energy(7, at(21))]

    assert waking_days(ratings, [night(at(7, 30))]).values == of_energy(6.5)


def test_a_rating_at_the_moment_of_waking_counts() -> None:
    assert waking_days([energy(6, at(7, 30))], [night(at(7, 30))]).values == of_energy(6)


def test_a_day_that_was_rated_before_its_night_alone_has_no_rating() -> None:
    assert waking_days([energy(2, at(0, 30))], [night(at(7, 30))]).values == ()


def test_a_night_in_two_parts_is_over_after_the_second() -> None:
    nights = [night(at(7, 30)), night(at(5))]

    assert waking_days([energy(2, at(6)), energy(6, at(9))], nights).values == of_energy(6)


def test_where_no_waking_is_known_every_rating_of_the_day_counts() -> None:
    ratings = [energy(2, at(0, 30)), energy(6, at(9))]
    another_day = Night(date(2026, 3, 3), at(23), None)

    assert waking_days(ratings, [another_day]).values == of_energy(4)
    assert waking_days(ratings, [night(None)]).values == of_energy(4)


def test_a_rating_with_a_date_only_is_of_the_whole_waking_day() -> None:
    assert waking_days([energy(2, None), energy(6, at(9))], [night(at(7))]).values == of_energy(4)


def test_each_rated_measure_is_taken_by_itself() -> None:
    ratings = [
        energy(6, at(9)),
        Rating(DAY, "mood", -0.2, at(9), None),
        Rating(DAY, "mood", 0.5, at(3), None),
    ]

    assert set(waking_days(ratings, [night(at(7))]).values) == {
        DayValue(DAY, "energy", 6),
        DayValue(DAY, "mood", -0.2),
    }


def test_a_night_told_in_the_form_of_a_rating_that_counts_is_said_to_be() -> None:
    mood = Rating(DAY, "mood", 0.5, at(9), "evening")
    ratings = [energy(6, None, "morning"), mood]

    assert waking_days(ratings, [night(None, "morning")]).in_one_form == {"energy": frozenset({DAY})}


def test_events_without_a_form_do_not_share_one_and_a_rating_that_does_not_count_shares_none() -> None:
    assert waking_days([energy(6, at(9))], [night(at(7))]).in_one_form == {}
    assert waking_days([energy(6, at(2), "a")], [night(at(7), "a")]).in_one_form == {}
