"""Mappings: what they say is checked when they are loaded, and a row becomes the events that it holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from aurora.errors import UnknownEventTypeError
from pipelines.ingestion.errors import MappingInvalidError, MappingUnknownError
from pipelines.ingestion.mapped_rows import Unreadable, Whose, events_of_row
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.mapping_files import load_mapping, mapping_names
from tests.pipelines.ingestion.imports import a_mapping

ANA = Whose(UUID("5f0c51ab-54cb-43a1-8a4b-2f7e6c0a4f53"), "Europe/Vienna")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def events(mapping: Mapping, row: dict[str, Any], whose: Whose = ANA) -> list[dict[str, Any]]:
    found = list(events_of_row(row, mapping, whose, received_at=NOW))
    assert not [event for event in found if isinstance(event, Unreadable)]
    return [event for event in found if not isinstance(event, Unreadable)]


def problem(mapping: Mapping, row: dict[str, Any]) -> str:
    (found,) = [
        event for event in events_of_row(row, mapping, ANA, received_at=NOW) if isinstance(event, Unreadable)
    ]
    return found.reason


def with_event(**changes: Any) -> Mapping:
    event = {"name": "one", "type": "weight.measured", "key": "{day}", "payload": {"weight_kg": "kg"}}
    return a_mapping(events=[event | changes])


@pytest.mark.parametrize("name", mapping_names())
def test_every_shipped_mapping_loads(name: str) -> None:
    assert load_mapping(name).name == name


def test_unknown_mapping_suggests_the_one_that_was_meant() -> None:
    with pytest.raises(MappingUnknownError, match="did you mean 'soccermon'"):
        load_mapping("socermon")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("title: [", "not YAML"),
        ("just words", "holds no keys"),
        ("title: x\nsource: x\nevents: []\nformat: xlsx", "format"),
        ("title: x\nsource: x\nevents: [{name: a, type: sleep.guessed, key: k}]", "sleep.guessed"),
        ("title: x\nsource: x\nevents: []\ntime_zone: Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_mapping_file_that_cannot_be_used_says_why(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "my.yaml").write_text(content)

    with pytest.raises(MappingInvalidError, match=said):
        load_mapping(str(tmp_path / "my.yaml"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"payload": {"weight_lb": "kg"}}, "has no field"),
        ({"payload": {}}, "needs weight_kg"),
        ({"payload": {"weight_kg": {"column": "kg", "unit": "h"}}}, "another kind of quantity"),
        ({"payload": {"weight_kg": {"column": "kg", "unit": "stone"}}}, "not known"),
        ({"payload": {"weight_kg": {"column": "kg", "value": 3}}}, "exactly one"),
        (
            {"payload": {"weight_kg": {"column": "kg", "scale": {"from": [5, 1], "to": [0, 1]}}}},
            "low to high",
        ),
        ({"form": "evening"}, "which is not in `forms`"),
        ({"arrival_lag": "soon"}, "8h"),
    ],
)
def test_event_that_does_not_fit_the_catalogue_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        with_event(**changes)


def test_type_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(UnknownEventTypeError, match=r"weight\.guessed"):
        with_event(type="weight.guessed")


def test_row_becomes_one_event_for_each_kind_that_it_holds() -> None:
    sleep, mood = events(a_mapping(), {"date": "2026-03-02", "hours": "7.5", "mood": "4"})

    assert (sleep["payload"], mood["payload"]) == ({"asleep_minutes": 450.0}, {"valence": 0.5})


def test_empty_cells_and_null_words_hold_no_event() -> None:
    assert events(a_mapping(), {"date": "2026-03-02", "hours": "", "mood": "NA"}) == []


def test_day_precision_begins_at_local_midnight_and_invents_no_end() -> None:
    (event,) = events(a_mapping(), {"date": "2026-03-02", "hours": "7.5"})

    assert event["started_at"] == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert event["precision"] == "day"
    assert "ended_at" not in event


def test_lag_of_a_day_is_counted_on_the_persons_own_clock() -> None:
    # The clocks go forward in this night: 8 h later it is eight o'clock all the same.
    (event,) = events(a_mapping(arrival_lag="8h"), {"date": "2026-03-29", "hours": "7"})

    assert event["recorded_at"] == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_end_of_day_is_the_next_midnight_also_when_the_clocks_change() -> None:
    (event,) = events(a_mapping(arrival_lag="end_of_day"), {"date": "2026-03-29", "hours": "7"})

    assert event["recorded_at"] == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_nothing_is_known_later_than_it_was_received() -> None:
    mapping = a_mapping(arrival_lag="end_of_day")
    (event,) = events(mapping, {"date": "2026-11-01", "hours": "7"})

    assert event["recorded_at"] == NOW


def test_instants_keep_their_offset_or_take_the_zone_of_the_rows() -> None:
    mapping = with_event(
        started_at={"columns": ["date", "time"], "formats": ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M%z"]}
    )
    (local,) = events(mapping, {"date": "2026-07-01", "time": "08:30", "kg": "60"})
    (offset,) = events(mapping, {"date": "2026-07-01", "time": "08:30-0400", "kg": "60"})

    assert local["started_at"].astimezone(UTC) == datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert offset["started_at"].astimezone(UTC) == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    assert local["precision"] == "instant"


def test_unix_times_are_read() -> None:
    mapping = with_event(started_at={"column": "at", "format": "unix_ms"})
    (event,) = events(mapping, {"at": "1780000000000", "kg": "60"})

    assert event["started_at"] == datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)


def test_same_natural_key_gives_the_same_id_whatever_the_body() -> None:
    first, second = (
        events(a_mapping(), {"date": date, "hours": hours})[0]["event_id"]
        for date, hours in (("2026-03-02", "7"), ("2026-03-02", "8"))
    )

    assert first == second


def test_events_of_one_form_share_its_id() -> None:
    mapping = a_mapping(
        forms={"morning": "morning:{day}"},
        events=[dict(event, form="morning") for event in a_mapping().model_dump(by_alias=True)["events"]],
    )
    ids = {event["form_id"] for event in events(mapping, {"date": "2026-03-02", "hours": "7", "mood": "3"})}

    assert ids == {"diary:morning:2026-03-02"}


def test_conditions_decide_whether_a_row_holds_an_event() -> None:
    def count(condition: dict[str, Any], row: dict[str, Any]) -> int:
        return len(events(with_event(only_if=condition), {"date": "2026-03-02", "kg": "60"} | row))

    assert count({"positive": ["steps"]}, {"steps": "0"}) == 0
    assert count({"positive": ["steps"]}, {"steps": "1"}) == 1
    assert count({"any_positive": ["steps", "stairs"]}, {"steps": "0", "stairs": "3"}) == 1
    assert count({"absent": ["steps"]}, {"steps": "1"}) == 0
    assert count({"present": ["steps"]}, {"steps": ""}) == 0
    assert count({"any_present": ["steps", "stairs"]}, {"stairs": "0"}) == 1
    assert count({"equals": {"kind": "scale"}}, {"kind": "guess"}) == 0


def test_flags_become_their_mean_and_their_labels() -> None:
    mapping = a_mapping(
        events=[
            {
                "name": "mood",
                "type": "mood.rated",
                "key": "{day}",
                "payload": {
                    "valence": {
                        "mean_of_flags": {"HAPPY": 2, "SAD": -2, "TIRED": -1},
                        "scale": {"from": [-2, 2], "to": [-1, 1]},
                    },
                    "labels": {"labels": {"HAPPY": "happy", "SAD": "sad", "TIRED": "tired"}},
                },
            }
        ]
    )
    (event,) = events(mapping, {"date": "2026-03-02", "HAPPY": "1.0", "SAD": "0", "TIRED": "1"})

    assert event["payload"] == {"valence": 0.25, "labels": ["happy", "tired"]}
    assert events(mapping, {"date": "2026-03-02", "HAPPY": "0", "SAD": "0", "TIRED": ""}) == []


def test_words_are_looked_up() -> None:
    mapping = with_event(
        type="energy.rated", payload={"energy": {"column": "how", "lookup": {"low": 2, "high": 8}}}
    )

    assert events(mapping, {"date": "2026-03-02", "how": "high"})[0]["payload"] == {"energy": 8.0}
    assert "the mapping knows low, high" in problem(mapping, {"date": "2026-03-02", "how": "so-so"})


def test_comma_is_read_as_a_decimal_point_when_the_mapping_says_so() -> None:
    mapping = a_mapping(decimal_comma=True)

    assert events(mapping, {"date": "2026-03-02", "hours": "7,5"})[0]["payload"] == {"asleep_minutes": 450.0}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"date": "2026-03-02", "hours": "seven"}, "hours is 'seven', which is not a number"),
        ({"date": "2026-03-02", "hours": "1_000"}, "not a number"),
        ({"date": "2026-03-02", "hours": "inf"}, "not a number"),
        ({"date": "2026-03-02", "mood": "6"}, "mood is 6, outside its scale 1 to 5"),
        ({"date": "02.03.2026", "hours": "7"}, "not a time in the form iso"),
        ({"date": "0001-01-01", "hours": "7"}, "no year of a life"),
        ({"date": "", "hours": "7"}, "no date"),
    ],
)
def test_cell_that_cannot_be_read_names_its_column_and_the_rule(row: dict[str, Any], said: str) -> None:
    assert said in problem(a_mapping(), row)


def test_lag_that_an_event_states_itself_wins_over_the_mappings() -> None:
    mapping = with_event(started_at={"column": "at"}, arrival_lag="90min")
    (event,) = events(mapping, {"at": "2026-03-02T08:00:00+01:00", "kg": "60"})

    assert event["recorded_at"] - event["started_at"] == timedelta(minutes=90)


def test_row_says_of_itself_what_the_mapping_else_says_of_all() -> None:
    mapping = a_mapping(
        row={"recorded_at": "noted", "zone": "zone", "source": "app", "device": "band", "modality": "how"},
        day=None,
        modality="self_reported",
        events=[
            {
                "name": "weight",
                "type": "weight.measured",
                "key": "{local_started_at}",
                "started_at": "at",
                "device": "scale",
                "payload": {"weight_kg": "kg"},
            }
        ],
    )
    said = {
        "at": "2026-03-02T08:00:00",
        "kg": "60",
        "noted": "2026-03-02T09:00:00+09:00",
        "zone": "Asia/Tokyo",
        "app": "my-app",
        "band": "wrist",
        "how": "sensed",
    }

    own, common = events(mapping, said) + events(mapping, {"at": "2026-03-02T08:00:00", "kg": "60"})

    assert own["source"] == {"name": "my-app", "device": "wrist", "modality": "sensed"}
    assert (own["tz"], own["started_at"]) == ("Asia/Tokyo", datetime.fromisoformat(said["at"] + "+09:00"))
    assert own["recorded_at"] == datetime(2026, 3, 2, tzinfo=UTC)
    assert common["source"] == {"name": "diary", "device": "scale", "modality": "self_reported"}
    assert (common["tz"], common["recorded_at"]) == ("Europe/Vienna", common["started_at"])
    # The clock on the wall showed the same: it is the same event, told with its zone or without.
    assert own["event_id"] == common["event_id"]


def test_event_of_a_time_or_of_a_day_is_read_row_by_row() -> None:
    mapping = with_event(started_at="at", day="date")

    timed, dated = (
        events(mapping, {"kg": "60"} | row)[0]
        for row in ({"at": "2026-03-02T08:00:00"}, {"at": "", "date": "2026-03-02"})
    )

    assert (timed["precision"], dated["precision"]) == ("instant", "day")
    assert "has no date" in problem(mapping, {"kg": "60"})


def test_words_of_a_cell_become_labels_of_which_the_first_twenty_count() -> None:
    mapping = with_event(
        type="mood.rated",
        payload={"valence": "mood", "labels": {"column": "did", "separator": "|"}},
    )
    many = " | ".join(str(number) for number in range(30))

    (few, lots, none) = (
        events(mapping, {"date": "2026-03-02", "mood": "0.5", "did": did})[0]["payload"].get("labels")
        for did in ("nap | walk |nap", many, "")
    )

    assert (few, none) == (["nap", "walk"], None)
    assert lots == [str(number) for number in range(20)]


def test_note_is_joined_of_its_columns_and_needed_only_where_it_is_all() -> None:
    mood = {"type": "mood.rated", "payload": {"valence": "mood"}, "note": ["title", "text"]}
    row = {"date": "2026-03-02", "mood": "0.5"}

    assert events(with_event(**mood), row | {"title": "Rain", "text": "again"})[0]["note"] == "Rain\nagain"
    assert "note" not in events(with_event(**mood), row)[0]
    assert events(with_event(type="note.written", payload={}, note="text"), row) == []
