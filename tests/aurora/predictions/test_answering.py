"""From the vectors of people to rows, by the model or by the baseline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from aurora.features.catalogue import FEATURES
from aurora.features.vector import Moment
from aurora.models.catalogue import ENERGY, MOOD
from aurora.predictions.answering import Asked, features_of, predict_rows
from aurora.predictions.predictor import Predictor
from tests.aurora.models.people import a_vector, an_energy_artifact

PREDICTOR = Predictor.load(an_energy_artifact(), version="3")
MOMENT = Moment(datetime(2026, 3, 1, 23, 30, tzinfo=UTC), date(2026, 3, 2), 1800)


def test_each_who_is_asked_gets_a_row() -> None:
    asked = [
        Asked(UUID(int=number), MOMENT, a_vector(energy_ewma_28d=float(number), steps_last_7d=1.0))
        for number in (3, 1, 2)
    ]

    rows = predict_rows(ENERGY, PREDICTOR, asked, origin="api")

    assert [row.user_id.int for row in rows] == [3, 1, 2]
    assert {(row.as_of, row.local_date, row.origin) for row in rows} == {
        (MOMENT.as_of, MOMENT.local_date, "api")
    }
    told = PREDICTOR.predict_many([one.vector for one in asked], [one.user_id for one in asked])
    assert [row.prediction for row in rows] == told
    assert told[0].value != told[1].value
    assert [row.features for row in rows] == [one.vector for one in asked]


def test_without_a_model_the_baseline_answers() -> None:
    [row] = predict_rows(
        ENERGY, None, [Asked(UUID(int=1), MOMENT, a_vector(energy_ewma_28d=6.5))], origin="batch"
    )

    assert (row.prediction.model_source, row.prediction.value) == ("baseline", 6.5)
    assert row.features["energy_ewma_28d"] == 6.5


def test_nobody_asked_is_no_row() -> None:
    assert predict_rows(ENERGY, PREDICTOR, [], origin="live") == []
    assert predict_rows(MOOD, None, [], origin="live") == []


def test_a_model_that_knows_a_feature_which_was_given_up_is_asked_without_it() -> None:
    metadata = PREDICTOR.metadata
    older = replace(
        PREDICTOR, metadata=metadata.model_copy(update={"features": (*metadata.features, "given_up")})
    )

    assert "given_up" in older.metadata.columns
    assert features_of(ENERGY, older) == features_of(ENERGY, PREDICTOR)
    assert {feature.name for feature in features_of(ENERGY, None)} <= FEATURES.keys()
    assert {*ENERGY.baseline_columns, ENERGY.prior_column} <= {f.name for f in features_of(ENERGY, None)}
