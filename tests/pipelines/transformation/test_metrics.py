"""The metrics layer: MetricFlow's answers are those that can be worked out by hand."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from aurora.settings import load_settings
from pipelines.transformation.metrics import MetricQueryError, Metrics, MetricTable
from pipelines.transformation.reading_commands import _write_csv
from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store

ANA, BEN, CLEO = (UUID(int=number, version=4) for number in (1, 2, 3))

# By cohort. Ana and Ben are `first`; Cleo alone is `second`.
GOLDEN: dict[str, tuple[float | None, float | None]] = {
    "active_users": (2, 1),
    "active_days": (5, 14),  # Ana 2, 3, 10, 23 March, Ben 4 March
    "events": (9, 30),
    "events_per_active_user": (4.5, 30),
    "sleep_hours": (7.5, None),  # nights of 6.5 and 8.5 hours
    "sleep_score": (85, None),  # 70 points for the one and 100 for the other: nothing else is known of them
    "energy": (4.6, 6),  # daily means 7, 5, 4, 4 and 3
    "mood": (None, 0.5),
    "activity_score": (None, 80),  # 60 minutes up to the 17th, 60 points; 160 up to the 18th, 100
    "life_score": (None, 235 / 3),  # on the 14th day alone: mean of energy 60, mood 75 and activity 100
    "workouts": (1, 2),
    "workout_minutes": (30, 160),
    "workouts_per_week": (1.4, 1),  # 7 × 1 workout ÷ 5 active days, 7 × 2 ÷ 14
    "active_minutes_per_week": (42, 80),  # 7 × 30 minutes ÷ 5, 7 × 160 ÷ 14
    "weekly_retention": (1 / 3, 1),  # Ana came back after the week of the 2nd, not of the 9th; Ben did not
    "judged_predictions": (3, 1),
    "energy_error": (1, None),
    "energy_baseline_error": (2, None),  # 3, 2 and 1
    "energy_skill": (0.5, None),
    "mood_error": (None, 0.25),
    "mood_baseline_error": (None, 0.5),
    "mood_skill": (None, 0.5),
    "mood_accuracy": (None, 1),
    "interval_coverage": (2 / 3, None),
    # Ana 4, 1 and 1 of 22 days (energy, sleep, exercise), Ben 1, 1 and 0 of 20.
    "data_coverage": ((6 / 22 + 2 / 20) / 6, (1 + 1 + 2 / 14) / 3),
}


def event(user_id: UUID, kind: str, at: str, payload: dict[str, Any], minutes: int | None = None) -> Received:
    started_at = datetime.fromisoformat(f"{at}+00:00")
    body: dict[str, Any] = {
        "event_id": str(uuid4()),
        "version": 1,
        "type": kind,
        "started_at": started_at.isoformat(),
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
        "recorded_at": (started_at + timedelta(minutes=minutes or 0)).isoformat(),
    }
    if minutes is not None:
        body["ended_at"] = (started_at + timedelta(minutes=minutes)).isoformat()
    return Received(user_id, body)


def lives() -> list[Received]:
    two_weeks = [datetime(2026, 3, 5, 12) + timedelta(days=days) for days in range(14)]  # noqa: DTZ001
    return [
        event(ANA, "energy.rated", "2026-03-02T10:00", {"energy": 6}),
        event(ANA, "energy.rated", "2026-03-02T20:00", {"energy": 8}),
        event(ANA, "sleep.recorded", "2026-03-02T23:00", {"asleep_minutes": 390}, minutes=480),
        event(ANA, "energy.rated", "2026-03-03T12:00", {"energy": 5}),
        event(ANA, "exercise.recorded", "2026-03-03T18:00", {"duration_minutes": 30}, minutes=30),
        event(ANA, "energy.rated", "2026-03-10T12:00", {"energy": 4}),
        event(ANA, "energy.rated", "2026-03-23T12:00", {"energy": 4}),
        event(BEN, "sleep.recorded", "2026-03-03T23:00", {"asleep_minutes": 510}, minutes=520),
        event(BEN, "energy.rated", "2026-03-04T12:00", {"energy": 3}),
        *(event(CLEO, "energy.rated", day.isoformat(), {"energy": 6}) for day in two_weeks),
        event(CLEO, "exercise.recorded", "2026-03-17T15:00", {"moderate_minutes": 60}, minutes=60),
        event(CLEO, "exercise.recorded", "2026-03-18T15:00", {"moderate_minutes": 100}, minutes=100),
        *(event(CLEO, "mood.rated", day.isoformat(), {"valence": 0.5}) for day in two_weeks),
    ]


# Person, model, as_of, predicted, baseline, lower, upper, class.
PREDICTIONS = (
    (ANA, "energy", "2026-03-02T09:00", 7.0, 3.0, 5.0, 8.0, None),
    (ANA, "energy", "2026-03-02T19:00", 7.0, 10.0, 6.0, 8.5, None),
    (ANA, "energy", "2026-03-03T11:00", 6.0, 6.0, 5.5, 7.0, None),
    (ANA, "energy", "2026-03-03T13:00", 1.0, 1.0, 0.0, 2.0, None),  # nobody rated within the day after
    (CLEO, "mood", "2026-03-05T08:00", 0.25, 0.0, None, None, "positive"),
)


@pytest.fixture
def golden(warehouse: Warehouse) -> Warehouse:
    """Three lives in two cohorts, their predictions, and the warehouse built of them."""
    store(warehouse.owner_url, lives())
    with psycopg.connect(warehouse.owner_url) as connection:
        connection.execute("update app.users set cohort = 'first'")
        connection.execute("update app.users set cohort = 'second' where user_id = %s", (CLEO,))
        connection.execute(
            "insert into predictions.model_artifacts (model_name, model_version, artifact, sha256, metadata)"
            " select model || '.' || cohort, '1', '', '', '{\"trained\": {\"until\": 1770000000}}'"
            " from unnest(array['energy', 'mood']) as model, unnest(array['first', 'second']) as cohort"
        )
        for user_id, model, at, value, baseline, lower, upper, name in PREDICTIONS:
            connection.execute(
                "insert into predictions.predictions (prediction_id, user_id, model_name, model_version,"
                " model_source, as_of, local_date, value, class, lower, upper, baseline, baseline_name,"
                " features, origin, made_at)"
                " values (gen_random_uuid(), %s, %s, '1', 'model', %s, %s, %s, %s, %s, %s, %s, 'ewma', '{}', 'batch',"
                " %s)",
                (
                    user_id,
                    model,
                    datetime.fromisoformat(f"{at}+00:00"),
                    at[:10],
                    value,
                    name,
                    lower,
                    upper,
                    baseline,
                    datetime.fromisoformat(f"{at}+00:00"),
                ),
            )
    warehouse.build(full=True, now=datetime(2026, 3, 24, tzinfo=UTC))
    return warehouse


def test_metrics_are_those_worked_out_by_hand(golden: Warehouse) -> None:
    metrics = Metrics(data_dir=load_settings().data_dir)
    with psycopg.connect(golden.url) as connection:
        connection.read_only = True
        found = {name: metrics.query(connection, [name], by=["cohort"]) for name in GOLDEN}
        weeks = metrics.query(connection, ["energy", "active_users"], by=["week"], where=["cohort=first"])
        days = metrics.query(
            connection, ["energy"], by=["day"], since=date(2026, 3, 3), until=date(2026, 3, 4)
        )
        nobody = metrics.query(connection, ["energy"], by=["cohort"], where=["cohort=o'brien"])

    for name, (first, second) in GOLDEN.items():
        by_cohort = {row[0]: row[1] for row in found[name].rows}
        assert by_cohort.get("first") == pytest.approx(first), name
        assert by_cohort.get("second") == pytest.approx(second), name
    assert sorted(weeks.rows) == [
        (date(2026, 3, 2), 5.0, 2),
        (date(2026, 3, 9), 4.0, 1),
        (date(2026, 3, 23), 4.0, 1),
    ]
    assert sorted(days.rows) == [(date(2026, 3, 3), 5.0), (date(2026, 3, 4), 3.0)]
    assert nobody.rows == ()


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics(data_dir=load_settings().data_dir)


def test_every_metric_is_described_and_can_be_had_by_cohort_and_in_time(metrics: Metrics) -> None:
    listed = metrics.list()

    assert set(GOLDEN) == {metric.name for metric in listed}
    for metric in listed:
        assert metric.description.endswith("."), metric.name
        assert {"cohort", "week"} <= set(metric.groupings), metric.name


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (["happiness"], {}, "happiness"),
        ([], {}, "no metric"),
        (["life_score"], {"by": ["kind"]}, "cannot be had by kind"),
        (["life_score", "energy_error"], {"by": ["model_name"]}, "cannot be had by model_name"),
        (["life_score"], {"where": ["cohort"]}, "no condition"),
        (["life_score"], {"where": ["cohort="]}, "no condition"),
        (["life_score"], {"where": ["week=2026-03-02"]}, "no condition"),
        (["life_score"], {"where": ["cohort={{ Dimension('x') }}"]}, "character"),
    ],
)
def test_query_that_makes_no_sense_is_refused_in_words(
    metrics: Metrics, names: list[str], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(MetricQueryError, match=said):
        metrics.compile(names, **options)


def test_value_of_a_condition_is_quoted(metrics: Metrics) -> None:
    statement = metrics.compile(["life_score"], where=["cohort=a' or '1'='1"])

    assert "'a'' or ''1''=''1'" in statement


def test_statement_names_no_database(metrics: Metrics) -> None:
    assert '"marts"."daily_summary"' in metrics.compile(["life_score"])
    assert '"none"' not in metrics.compile(["life_score"], by=["cohort"])


def test_csv_leaves_empty_what_is_missing() -> None:
    file = io.StringIO()
    _write_csv(MetricTable(("cohort", "mood"), (("a, b", None), ("c", 0.5))), file)

    assert list(csv.reader(io.StringIO(file.getvalue()))) == [["cohort", "mood"], ["a, b", ""], ["c", "0.5"]]
