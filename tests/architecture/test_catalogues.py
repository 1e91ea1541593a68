"""Every entry of every catalogue is tested the moment it exists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import UniqueConstraint

from aurora.database.tables import metadata
from aurora.errors import UnknownEventTypeError, UnknownFeatureError
from aurora.events.catalogue import EVENT_TYPES, MEASURES, EventType, event_type
from aurora.events.measures import COUNT, DURATION, Measure
from aurora.features.aggregates import AGGREGATES
from aurora.features.catalogue import (
    DOMAINS,
    FEATURE_SETS,
    FEATURES,
    FOR_ANALYSTS,
    Feature,
    feature,
    vector_names,
)
from aurora.features.windows import Window
from aurora.models.catalogue import MODELS
from aurora.scores.catalogue import SCORES
from aurora.scores.specification import Factor, PartScore, ScoreSpec
from aurora.topics import ALL_TOPICS

SEED_FEATURES: Final = frozenset(
    {
        "hour_of_day",
        "day_of_week",
        "is_weekend",
        "time_since_last_sleep",
        "time_since_last_meal",
        "avg_sleep_last_7d",
        "avg_exercise_last_7d",
        "social_events_count_last_3d",
        "energy_rolling_mean_7d",
        "energy_rolling_std_7d",
        "mood_trend_last_14d",
    }
)
"""Names that are kept to the letter, whatever the naming rule."""

DERIVED_FEATURES: Final = frozenset(
    {"sleep_debt_sum_7d", "energy_prior_three_process", "caffeine_active_1d", "social_minutes_faded_3d"}
)
"""Formulas over several windows: there is no one measure, aggregate and window to be named after."""

UNITS_OF_SUMS: Final = {"min", "kcal", "ml", "mg", "g", "mm", "steps", "meals", "events", "doses", "RPE·min"}

event_types = pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=EVENT_TYPES)
measures = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
features = pytest.mark.parametrize("entry", FEATURES.values(), ids=FEATURES)
scores = pytest.mark.parametrize("spec", SCORES.values(), ids=SCORES)


def is_a_sentence(text: str) -> bool:
    return len(text) > 10 and not text[0].islower() and text.endswith(".")


# --- events -------------------------------------------------------------------------------------------------


@event_types
def test_an_event_type_is_a_noun_and_a_past_participle_and_says_what_it_is(kind: EventType) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z]+", kind.name)
    assert kind.name == f"{kind.noun}.{kind.name.split('.')[1]}"
    assert is_a_sentence(kind.description)
    assert event_type(kind.name) is kind


@event_types
def test_an_event_types_payload_has_a_closed_json_schema(kind: EventType) -> None:
    schema = kind.json_schema

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    for name, field in schema.get("properties", {}).items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert _is_bounded(field), f"{kind.name}: any {name} would be accepted"


def _is_bounded(field: dict[str, Any]) -> bool:
    """A number has a plausible range, a text a greatest length."""
    if "anyOf" in field:
        return all(_is_bounded(choice) for choice in field["anyOf"])
    if "$ref" in field or field.get("type") in {"null", "boolean"} or "enum" in field:
        return True
    if field.get("type") in {"number", "integer"}:
        return {"minimum", "maximum"} <= field.keys()
    if field.get("type") == "string":
        return "maxLength" in field
    return field.get("type") == "array" and "maxItems" in field and _is_bounded(field["items"])


def numbers_of(payload: type[BaseModel]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, field in payload.model_json_schema().get("properties", {}).items():
        for choice in field.get("anyOf", [field]):
            if choice.get("type") in {"number", "integer"}:
                yield name, choice


@event_types
def test_every_number_of_a_payload_is_strict_and_keeps_to_its_range(kind: EventType) -> None:
    for name, schema in numbers_of(kind.payload):
        low, high = schema["minimum"], schema["maximum"]
        for wrong in (low - 1, high + 1, str(high), True, float("nan"), float("inf"), [high]):
            assert _refuses(kind.payload, name, wrong), f"{kind.name}: {name}={wrong!r}"
        for right in (low, high):
            assert not _refuses(kind.payload, name, right), f"{kind.name}: {name}={right!r}"


def _refuses(payload: type[BaseModel], name: str, value: object) -> bool:
    try:
        payload.model_validate({name: value})
    except ValidationError as error:
        return any(problem["loc"][:1] == (name,) for problem in error.errors())
    return False


@event_types
def test_a_field_that_the_payload_does_not_have_is_refused(kind: EventType) -> None:
    assert _refuses(kind.payload, "no_such_field", 1)


@event_types
def test_the_measures_of_a_type_are_read_from_fields_that_its_payload_has(kind: EventType) -> None:
    numeric = {name for name, _ in numbers_of(kind.payload)}
    for measure in kind.measures:
        assert measure.field in numeric | {DURATION, COUNT}, measure.name
        if measure.only_if:
            flag = kind.json_schema["properties"][measure.only_if.removeprefix("not ")]
            assert flag["type"] == "boolean", measure.name
        assert not measure.or_duration or measure.unit == "min", measure.name


@measures
def test_a_measure_has_a_name_a_unit_and_a_description(measure: Measure) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", measure.name)
    assert measure.unit
    assert measure.description[0].isupper()
    assert measure.scale in {1, 1000}
    assert (
        measure.unit in UNITS_OF_SUMS if measure.aggregate == "sum" else measure.aggregate in {"mean", "last"}
    )


def test_free_text_has_no_place_in_any_payload() -> None:
    for kind in EVENT_TYPES.values():
        assert not {"note", "text", "title", "comment"} & set(kind.payload.model_fields), kind.name


def test_an_unknown_event_type_is_named_in_the_error() -> None:
    with pytest.raises(UnknownEventTypeError, match=r"mood\.guessed"):
        event_type("mood.guessed")


# --- features -----------------------------------------------------------------------------------------------


@features
def test_a_feature_has_a_unit_an_owner_and_a_description(entry: Feature) -> None:
    assert entry.unit
    assert entry.owner
    assert entry.version >= 1
    assert entry.domain in DOMAINS
    assert is_a_sentence(entry.description)
    assert feature(entry.name) is entry


@features
def test_a_feature_has_a_seed_name_or_is_named_after_its_measure_aggregate_and_window(entry: Feature) -> None:
    if entry.name in SEED_FEATURES | DERIVED_FEATURES:
        return
    names = {name for window in entry.windows for name in _names_of(window)}
    assert entry.name in names, f"{entry.name} should be one of {sorted(names)}"


def _names_of(window: Window) -> Iterable[str]:
    """`<measure>_<aggregate>_<window>`; a measure of one part of the day is the measure at that part."""
    size = "yesterday" if (window.days, window.lag) == (1, 1) else f"{window.days}d"
    measure = re.sub(r"_(night|morning|afternoon|evening)$", "_daypart", window.measure)
    yield f"{measure}_{window.aggregate}_{size}"
    if window.aggregate == "last":
        yield f"{measure}_last_{size}"


def test_every_seed_feature_is_in_the_catalogue() -> None:
    assert set(FEATURES) >= SEED_FEATURES
    assert set(FEATURES) >= DERIVED_FEATURES


def test_the_sets_of_the_models_have_25_and_23_features() -> None:
    assert {name: len(names) for name, names in FEATURE_SETS.items()} == {"energy": 25, "mood": 23}


def test_every_feature_is_in_a_vector_or_for_analysts_and_every_aggregate_in_a_feature_or_a_test() -> None:
    in_a_vector = {name for set_name in FEATURE_SETS for name in vector_names(set_name)}

    assert in_a_vector | FOR_ANALYSTS == set(FEATURES)
    assert not in_a_vector & FOR_ANALYSTS
    used = {window.aggregate for entry in FEATURES.values() for window in entry.windows}
    assert used <= set(AGGREGATES)


def test_every_feature_set_belongs_to_a_model() -> None:
    assert set(FEATURE_SETS) == set(MODELS)


def test_an_unknown_feature_is_named_in_the_error() -> None:
    with pytest.raises(UnknownFeatureError, match="charm_sum_7d"):
        feature("charm_sum_7d")


# --- scores -------------------------------------------------------------------------------------------------


@scores
def test_a_score_says_what_it_is_and_where_it_comes_from(spec: ScoreSpec) -> None:
    assert spec.version >= 1
    assert is_a_sentence(spec.description)
    assert spec.sources
    for source in spec.sources:
        assert source.url.startswith("https://")
        assert is_a_sentence(source.text)


@scores
def test_every_factor_and_input_of_a_score_has_a_unit_and_says_what_it_aims_at(spec: ScoreSpec) -> None:
    for factor in spec.factors:
        assert isinstance(factor, Factor)
        assert factor.unit
        assert factor.goal
        assert factor.weight > 0
    for entry in spec.inputs:
        assert entry.unit
        assert entry.description[0].isupper()


@scores
def test_the_windows_and_parts_that_a_score_reads_exist(spec: ScoreSpec) -> None:
    for entry in spec.inputs:
        if isinstance(entry.source, Window):
            assert entry.name == entry.source.column()
            assert entry.unit == entry.source.unit
        if isinstance(entry.source, PartScore):
            assert entry.source.score in SCORES


# --- tables and topics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.fullname)
def test_every_table_says_what_one_row_of_it_is(table: Any) -> None:
    assert table.comment
    assert table.comment.startswith("One row per ")


def test_every_table_of_a_person_begins_its_key_or_an_index_with_the_person() -> None:
    """`user_id` is the shard key, and erasing a person must not read whole tables."""
    for table in metadata.sorted_tables:
        if "user_id" not in table.columns or table.fullname == "raw.outbox":
            continue  # An outbox row is swept away within days.
        leading = [next(column.name for column in table.primary_key)]
        leading += [column.name for index in table.indexes for column in list(index.columns)[:1]]
        leading += [
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, UniqueConstraint)
        ]
        assert "user_id" in leading, table.fullname


@pytest.mark.parametrize("topic", ALL_TOPICS)
def test_a_topic_says_what_happened_to_which_noun(topic: str) -> None:
    assert re.fullmatch(r"aurora\.(events|features|scores|models|predictions)\.[a-z]+\.v\d+", topic)
