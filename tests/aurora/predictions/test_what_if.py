from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aurora.features.vector import vector
from aurora.predictions.artifact import ColumnSupport, person_digest
from aurora.predictions.changes import CHANGES
from aurora.predictions.predictor import Predictor
from aurora.predictions.support import Unsupported
from aurora.predictions.tile_changes import Occasion
from aurora.predictions.what_if import Asked, NotTheModels, Refused, WhatIf, what_if
from tests.aurora.predictions.days import MOOD_SPEC, NOW, TODAY, a_fit, a_predictor, an_occasion

FIT = a_fit()
PREDICTOR = a_predictor()


def answered(*asked: Asked, occasion: Occasion | None = None, predictor: Predictor = PREDICTOR) -> WhatIf:
    answer = what_if(predictor, occasion or an_occasion(), asked, user_id="ada")
    assert isinstance(answer, WhatIf), answer
    return answer


def refused(*asked: Asked, occasion: Occasion | None = None, predictor: Predictor = PREDICTOR) -> Unsupported:
    answer = what_if(predictor, occasion or an_occasion(), asked, user_id="ada")
    assert isinstance(answer, Refused), answer
    return answer.unsupported[0]


def after(name: str, value: float, hours_ago: float | None = None) -> dict[str, float | None]:
    """All features of the ordinary day with one change made."""
    occasion = an_occasion()
    made = CHANGES[name].apply(occasion, value, None if hours_ago is None else occasion.at(hours_ago))
    assert not isinstance(made, str)
    return vector(made.tiles, occasion.moment)


BEFORE = vector(an_occasion().tiles, an_occasion().moment)


# --- changes on tiles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_moves_only_the_features_that_follow_from_it(name: str) -> None:
    change = CHANGES[name]
    now = after(name, (change.lowest + change.slack) or 10)

    moved = {feature for feature in now if now[feature] != BEFORE[feature]}
    assert moved
    assert moved <= set(change.features)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_told_in_a_phrase_with_its_unit_and_bounds(name: str) -> None:
    change = CHANGES[name]

    assert "{amount}" in change.phrase
    assert change.description.endswith(".")
    assert change.unit
    assert 0 <= change.lowest < change.highest


def test_a_change_leaves_the_tiles_it_was_given_as_they_were() -> None:
    occasion, untouched = an_occasion(), an_occasion()
    for name, change in CHANGES.items():
        change.apply(occasion, max(change.lowest, 30), None)

        assert occasion.tiles == untouched.tiles, name


def test_a_longer_sleep_ends_when_it_did_and_moves_the_week_along() -> None:
    now = after("sleep_minutes", 470)

    assert now["main_sleep_minutes_last_3d"] == 470
    assert now["time_since_last_sleep"] == BEFORE["time_since_last_sleep"]
    assert now["avg_sleep_last_7d"] == pytest.approx((BEFORE["avg_sleep_last_7d"] or 0) + 70 / 7)


def test_a_nap_after_the_night_stays_the_last_sleep_of_all() -> None:
    occasion = an_occasion()
    of_day = dict(occasion.tiles[TODAY])
    night = of_day["main_sleep_minutes"]
    later = night.last_at + timedelta(hours=6)
    of_day["sleep_minutes"] = night._replace(n=2, sum=night.sum + 20_000, last=20_000, last_at=later)
    made = CHANGES["sleep_minutes"].apply(
        replace(occasion, tiles={**occasion.tiles, TODAY: of_day}), 460, None
    )

    assert not isinstance(made, str)
    changed = made.tiles[TODAY]["sleep_minutes"]
    assert (changed.n, changed.sum, changed.last, changed.last_at) == (2, 480_000, 20_000, later)


def test_without_late_caffeine_the_morning_cup_stays() -> None:
    now = after("late_caffeine_mg", 0)

    assert now["caffeine_sum_1d"] == 100
    assert now["caffeine_hours_since_3d"] == pytest.approx(9)


def test_no_caffeine_today_leaves_that_of_yesterday() -> None:
    now = after("caffeine_mg", 0)

    assert now["caffeine_sum_1d"] is None
    assert now["caffeine_hours_since_3d"] == pytest.approx(27)


def test_a_workout_ends_when_told_and_is_as_hard_as_the_persons_own() -> None:
    now = after("exercise_minutes", 30, hours_ago=3)

    assert now["exercise_load_hours_since_7d"] == pytest.approx(3)
    assert now["exercise_load_sum_7d"] == pytest.approx((BEFORE["exercise_load_sum_7d"] or 0) + 30 * 6)


def test_a_workout_that_began_before_midnight_belongs_to_the_day_before() -> None:
    occasion = an_occasion(now=NOW.replace(hour=1))
    made = CHANGES["exercise_minutes"].apply(occasion, 40, occasion.at(0.5))

    assert not isinstance(made, str)
    assert made.day == TODAY - timedelta(days=1)


def test_what_is_asked_is_what_events_of_that_day_would_have_said() -> None:
    """A change to the value that is there already changes nothing."""
    for name, value in (("sleep_minutes", 400.0), ("caffeine_mg", 200.0), ("late_caffeine_mg", 100.0)):
        now = after(name, value)

        assert now == pytest.approx(BEFORE), name


# --- answers ------------------------------------------------------------------------------------------------


def test_more_sleep_goes_with_more_energy_and_less_with_less() -> None:
    less, same, more = (answered(Asked("sleep_minutes", minutes)).change for minutes in (355, 400, 525))

    assert less < same < more
    assert same == pytest.approx(0)


def test_the_change_is_the_difference_of_two_answers_of_one_model() -> None:
    answer = answered(Asked("sleep_minutes", 500))

    assert answer.change == (answer.after.value or 0) - (answer.before.value or 0)
    assert answer.before.model_version == answer.after.model_version == "7"
    assert (
        answer.features["main_sleep_minutes_mean_28d"][0] != answer.features["main_sleep_minutes_mean_28d"][1]
    )
    assert answer.is_checked_with_people


def test_the_interval_of_the_change_comes_from_models_of_halves() -> None:
    answer = answered(Asked("caffeine_mg", 70))
    alone = Predictor.load(replace(FIT.with_(half_lines=()), halves=()).pack())

    assert answer.lower is not None
    assert answer.upper is not None
    assert answer.lower < answer.change < answer.upper
    without = answered(Asked("caffeine_mg", 70), predictor=alone)
    assert (without.lower, without.upper, without.change) == (None, None, answer.change)


def test_changes_are_answered_together() -> None:
    answer = answered(Asked("sleep_minutes", 480), Asked("late_caffeine_mg", 0))

    assert "8 h 00 min of sleep last night and no caffeine since noon" in answer.sentence


def test_an_answer_says_that_it_is_an_association() -> None:
    sentence = answered(Asked("exercise_minutes", 40, 3)).sentence

    assert "a workout of 40 min that ended 3 h ago" in sentence
    assert "an association, not an experiment" in sentence
    assert "because" not in sentence


def test_mood_is_told_in_valence_as_better_or_worse() -> None:
    answer = answered(Asked("sleep_minutes", 525), predictor=a_predictor(MOOD_SPEC))

    assert answer.change > 0
    assert answer.after.probabilities is not None
    assert "valence better mood" in answer.sentence


# --- refusals -----------------------------------------------------------------------------------------------


def test_what_nobody_can_have_is_refused_with_its_bounds() -> None:
    problem = refused(Asked("sleep_minutes", 1_000))

    assert (problem.because, problem.lowest, problem.highest) == ("bounds", 60, 900)


def test_a_night_unlike_the_persons_own_is_refused_with_the_range_that_is_not() -> None:
    problem = refused(Asked("sleep_minutes", 700))

    assert (problem.change, problem.value, problem.because) == ("sleep_minutes", 700, "yours")
    assert (problem.lowest, problem.highest) == (400 - 45, 480 + 45)
    assert "11 h 40 min" in problem.sentence
    for edge in (problem.lowest, problem.highest):
        answered(Asked("sleep_minutes", edge or 0))


def test_a_workout_is_told_in_what_may_be_added() -> None:
    assert refused(Asked("exercise_minutes", 200)).highest == 40 + 15


def test_what_the_person_never_had_is_refused() -> None:
    problem = refused(Asked("social_minutes", 60))

    assert problem.because == "yours"
    assert problem.highest is None


def test_none_of_what_the_person_has_had_at_this_hour_each_day_is_refused() -> None:
    occasion = an_occasion()
    tiles = {
        day: {name: tile for name, tile in of_day.items() if day != TODAY or not name.startswith("caffeine")}
        for day, of_day in occasion.tiles.items()
    }
    # A morning cup of 100 mg on each day before, and the slack is 40.
    problem = refused(Asked("caffeine_mg", 10), occasion=replace(occasion, tiles=tiles))

    assert (problem.because, problem.lowest) == ("yours", 60)


def test_where_the_model_was_not_trained_it_does_not_answer() -> None:
    narrow = FIT.metadata.support | {"avg_sleep_last_7d": ColumnSupport(low=400, high=440)}
    predictor = Predictor.load(FIT.with_(support=narrow).pack())
    problem = refused(Asked("sleep_minutes", 520), predictor=predictor)

    assert (problem.because, problem.feature) == ("people", "avg_sleep_last_7d")
    assert (problem.lowest, problem.highest) == (400, 440)
    assert (problem.feature_value or 0) > 440


def test_what_was_never_missing_in_training_must_not_become_missing() -> None:
    support = FIT.metadata.support | {"caffeine_active_1d": ColumnSupport(low=0, high=300, missing=0)}
    predictor = Predictor.load(FIT.with_(support=support).pack())
    problem = refused(Asked("caffeine_mg", 60), occasion=_mornings_without(), predictor=predictor)
    assert problem.because == "yours"

    problem = refused(Asked("caffeine_mg", 0), occasion=_mornings_without(), predictor=predictor)
    assert (problem.because, problem.feature) == ("people", "caffeine_active_1d")
    assert problem.feature_value is None


def test_an_artifact_from_before_answers_and_says_that_people_were_not_asked() -> None:
    old = Predictor.load(replace(FIT.with_(support={}, half_lines=()), halves=()).pack())

    assert not answered(Asked("sleep_minutes", 500), predictor=old).is_checked_with_people


def test_a_night_that_is_not_known_cannot_be_changed() -> None:
    occasion = an_occasion()
    nights = ("sleep_minutes", "main_sleep_minutes", "sleep_efficiency")
    tiles = {
        day: {name: tile for name, tile in of_day.items() if name not in nights}
        for day, of_day in occasion.tiles.items()
    }

    problem = refused(Asked("sleep_minutes", 480), occasion=replace(occasion, tiles=tiles))
    assert problem.because == "impossible"
    assert "no sleep of your last three days" in problem.sentence


@pytest.mark.parametrize(
    "asked",
    [
        (Asked("caffeine_mg", 100), Asked("late_caffeine_mg", 0)),
        (Asked("sleep_minutes", 480, hours_ago=2),),
        (Asked("late_caffeine_mg", 100, hours_ago=8),),
        (Asked("caffeine_mg", 100, hours_ago=20),),
    ],
)
def test_changes_that_contradict_themselves_are_refused(asked: tuple[Asked, ...]) -> None:
    assert refused(*asked).because == "impossible"


def test_caffeine_without_a_time_of_day_may_have_been_late_or_not() -> None:
    occasion = an_occasion()
    of_day = {name: tile for name, tile in occasion.tiles[TODAY].items() if name != "caffeine_morning"}
    unplaced = replace(occasion, tiles={**occasion.tiles, TODAY: of_day})

    assert refused(Asked("late_caffeine_mg", 0), occasion=unplaced).because == "impossible"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    asked = [Asked("sleep_minutes", 700), Asked("exercise_minutes", 290)]
    answer = what_if(PREDICTOR, an_occasion(), asked, user_id="ada")

    assert isinstance(answer, Refused)
    assert [each.change for each in answer.unsupported] == ["sleep_minutes", "exercise_minutes"]


# --- whom the model does not answer -------------------------------------------------------------------------


def test_without_ratings_there_is_nothing_to_start_from() -> None:
    occasion = an_occasion()
    tiles = {
        day: {n: t for n, t in of_day.items() if n != "energy"} for day, of_day in occasion.tiles.items()
    }
    answer = what_if(PREDICTOR, replace(occasion, tiles=tiles), [Asked("sleep_minutes", 500)], user_id="ada")

    assert isinstance(answer, NotTheModels)
    assert "have not rated" in answer.reason


def test_whom_the_baseline_serves_better_the_model_does_not_answer() -> None:
    predictor = Predictor.load(FIT.with_(baseline_people=frozenset({person_digest("ada")})).pack())
    answer = what_if(predictor, an_occasion(), [Asked("sleep_minutes", 500)], user_id="ada")

    assert isinstance(answer, NotTheModels)
    assert "baseline" in answer.reason


def _mornings_without() -> Occasion:
    """No caffeine was ever taken but today."""
    occasion = an_occasion()
    return replace(
        occasion,
        tiles={
            day: {
                name: tile for name, tile in of_day.items() if day == TODAY or not name.startswith("caffeine")
            }
            for day, of_day in occasion.tiles.items()
        },
    )
