from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import numpy as np
import pytest

from aurora.models.metrics import Floats
from aurora.models.regression_booster import RegressionBooster
from aurora.predictions.artifact import ArtifactDamagedError, digest, pack, person_digest, unpack
from aurora.predictions.predictor import Predictor
from tests.aurora.models.people import a_mood_artifact, a_population, a_vector, an_energy_artifact

ENERGY_ARTIFACT = an_energy_artifact()
ENERGY = Predictor.load(ENERGY_ARTIFACT, sha256=digest(ENERGY_ARTIFACT), version="7")
MOOD = Predictor.load(a_mood_artifact(), version="2")


def test_the_answer_is_final_and_says_what_it_came_from() -> None:
    prediction = ENERGY.predict(a_vector())

    assert prediction.model_source == "model"
    assert (prediction.model_name, prediction.model_version) == ("energy", "7")
    assert (prediction.baseline, prediction.baseline_name) == (6.0, "ewma")
    assert prediction.lower is not None
    assert prediction.upper is not None
    assert prediction.value is not None
    assert 0 <= prediction.lower < prediction.value < prediction.upper <= 10


def test_a_short_night_lowers_energy_and_is_the_first_reason() -> None:
    short, long = ENERGY.predict(a_vector(sleep_minutes=330)), ENERGY.predict(a_vector(sleep_minutes=540))

    first = short.reasons[0]
    assert (short.value or 0) < (long.value or 0) - 1
    assert first.feature == "sleep_minutes"
    assert first.contribution < 0
    assert first.sentence.startswith("Sleep last night (5 h 30 min) goes with ")
    assert first.sentence.endswith("points less energy")


def test_base_and_contributions_sum_to_the_prediction() -> None:
    prediction, explanation = ENERGY.predict(a_vector()), ENERGY.explain(a_vector())

    assert explanation.raw == pytest.approx(prediction.value, abs=1e-4)
    assert set(explanation.contributions) == set(ENERGY.metadata.features)


@pytest.mark.parametrize("predictor", [ENERGY, MOOD], ids=["energy", "mood"])
def test_base_reasons_and_the_rest_are_the_total_of_the_explanation(predictor: Predictor) -> None:
    prediction, explanation = predictor.predict(a_vector()), predictor.explain(a_vector())

    shares = prediction.shares
    assert shares is not None
    told = sum(reason.contribution for reason in prediction.reasons)
    assert shares.base == pytest.approx(explanation.base)
    assert shares.total == pytest.approx(explanation.raw)
    assert shares.base + told + shares.others == pytest.approx(shares.total)
    assert shares.others != 0
    assert "shares" not in prediction.as_json()


def test_an_answer_at_the_end_of_the_scale_has_the_sum_that_passed_it() -> None:
    beyond = a_vector(energy_ewma_28d=9.9, sleep_minutes=600)

    prediction, explanation = ENERGY.predict(beyond), ENERGY.explain(beyond)

    assert prediction.value == 10.0
    assert explanation.raw > 10.0
    assert explanation.raw == pytest.approx(explanation.base + sum(explanation.contributions.values()))
    assert prediction.shares is not None
    assert prediction.shares.total == pytest.approx(explanation.raw)


def test_an_answer_of_the_baseline_has_no_shares() -> None:
    assert ENERGY.predict(a_vector(energy_ewma_28d=None)).shares is None


def test_mood_contributions_are_log_odds_of_the_answered_class() -> None:
    prediction = MOOD.predict(a_vector())
    table = MOOD.table([a_vector()])
    stated = MOOD.answers(table).probabilities

    assert stated is not None
    rival = np.log(stated[0] / stated[0].max())
    assert rival.max() == 0
    assert prediction.class_name == MOOD.metadata.classes[int(stated[0].argmax())]
    assert np.isfinite(MOOD.explain(a_vector()).raw)


def test_mood_is_a_distribution_over_five_classes() -> None:
    prediction = MOOD.predict(a_vector())

    assert prediction.probabilities is not None
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.class_name == max(prediction.probabilities, key=lambda k: prediction.probabilities[k])  # type: ignore[index]
    assert -1 <= (prediction.value or 0) <= 1


def test_many_are_answered_as_one_by_one() -> None:
    vectors = [a_vector(), a_vector(sleep_minutes=300, noise=None), a_vector(energy_ewma_28d=None)]

    together = ENERGY.predict_many(vectors, [None] * 3)

    for one, of_many in zip([ENERGY.predict(vector) for vector in vectors], together, strict=True):
        # XGBoost adds leaves up in single precision, one row alone is added up in double.
        assert (of_many.value, of_many.lower, of_many.upper) == pytest.approx(
            (one.value, one.lower, one.upper), abs=1e-5
        )
        assert replace(of_many, value=one.value, lower=one.lower, upper=one.upper) == one


def test_a_person_without_history_is_answered_by_the_cohort_and_told_so() -> None:
    prediction = ENERGY.predict(a_vector(energy_ewma_28d=None))

    assert prediction.model_source == "baseline"
    assert prediction.baseline_name == "global_mean"
    assert prediction.value == pytest.approx(a_population().energy.mean())
    assert prediction.reasons == ()


def test_a_person_whom_the_baseline_serves_better_gets_the_baseline() -> None:
    predictor = Predictor.load(an_energy_artifact(baseline_people=frozenset({person_digest("ada")})))

    assert predictor.predict(a_vector(), user_id="ada").model_source == "baseline"
    assert predictor.predict(a_vector(), user_id="ada").value == 6.0
    assert predictor.predict(a_vector(), user_id="bob").model_source == "model"


def test_missing_and_unknown_features_are_accepted() -> None:
    prediction = ENERGY.predict({"energy_ewma_28d": 6.0, "not_a_feature": 3.0})

    assert prediction.model_source == "model"


def test_an_answer_stays_on_the_scale() -> None:
    assert ENERGY.predict(a_vector(energy_ewma_28d=9.9, sleep_minutes=600)).value == 10.0


def test_a_damaged_artifact_is_refused() -> None:
    with pytest.raises(ArtifactDamagedError, match="SHA-256"):
        Predictor.load(ENERGY_ARTIFACT[:-1] + b"x", sha256=digest(ENERGY_ARTIFACT))
    with pytest.raises(ArtifactDamagedError):
        Predictor.load(b"not a zip")


def test_models_of_halves_are_loaded_once_by_the_first_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bytes] = []
    from_bytes = RegressionBooster.from_bytes

    def counted(body: bytes, threads: int = 1) -> RegressionBooster:
        loads.append(body)
        return from_bytes(body, threads)

    monkeypatch.setattr(RegressionBooster, "from_bytes", counted)
    metadata, booster = unpack(ENERGY_ARTIFACT)
    told = metadata.model_copy(update={"half_lines": (None, None)})
    predictor, threads = Predictor.load(pack(told, booster, [booster, booster])), 8
    predictor.predict(a_vector())
    assert len(loads) == 1
    together, table = Barrier(threads), predictor.table([a_vector()])

    def ask(_: int) -> Floats:
        together.wait()
        return predictor.answers_of_halves(table)

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(ask, range(threads)))
    assert len(loads) == 3
    assert all((answer == predictor.answers(table).values).all() for answer in answers)


def test_a_damaged_model_of_half_of_the_people_is_found_before_publishing() -> None:
    metadata, booster = unpack(ENERGY_ARTIFACT)
    damaged = pack(metadata.model_copy(update={"half_lines": (None,)}), booster, [b"not a booster"])

    with pytest.raises(ArtifactDamagedError, match="half of the people"):
        Predictor.load(damaged).loaded_whole()


def test_equal_training_gives_equal_bytes() -> None:
    assert an_energy_artifact() == ENERGY_ARTIFACT
    assert an_energy_artifact(seed=2) != ENERGY_ARTIFACT


def test_an_artifact_names_nobody() -> None:
    artifact = an_energy_artifact(baseline_people=frozenset({person_digest("ada@example.org")}))

    metadata, _ = unpack(artifact)

    assert "ada" not in metadata.model_dump_json()
