from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from aurora.features.packing import KEPT
from aurora.features.tiles import Tile
from aurora.features.vector import Moment
from aurora.features.windows import Window
from aurora.scores.specification import ToldDays
from streams.scores.provisional import LIVE_SCORES, provisional_scores

MOMENT = Moment.at(datetime(2026, 3, 30, 12, tzinfo=UTC), "Europe/Oslo")
TODAY = date(2026, 3, 30)


def a_tile(value: int) -> Tile:
    return Tile(1, value, value * value, value, value, value, MOMENT.as_of)


def test_a_score_of_the_day_follows_from_live_tiles() -> None:
    # The energy measure is stored in hundredths of a point.
    from aurora.events.catalogue import MEASURES

    tiles = {TODAY: {"energy": a_tile(7 * MEASURES["energy"].scale)}}
    scores = {scored.name: scored for scored in provisional_scores(tiles, MOMENT)}

    assert scores["energy"].score == 70
    assert scores["mood"].score_state == "UNSCORABLE"


def test_a_measured_variability_of_zero_stops_nothing() -> None:
    days = [TODAY - timedelta(days=ago) for ago in range(1, 28)]
    tiles = {day: {"hrv": a_tile(40_000), "resting_heart_rate": a_tile(55_000)} for day in days}
    today = {TODAY: {"hrv": a_tile(0), "resting_heart_rate": a_tile(55_000)}}

    scores = {scored.name: scored for scored in provisional_scores(tiles | today, MOMENT)}

    assert scores["recovery"].score == 50
    assert scores["recovery"].coverage == 0.3


def test_a_week_of_which_only_today_is_told_has_no_activity_yet() -> None:
    walk = {TODAY: {"active_minutes": a_tile(30_000)}}
    lived = {TODAY - timedelta(days=ago): {"mood": a_tile(0)} for ago in (1, 2, 6, 7)}

    alone = {scored.name: scored for scored in provisional_scores(walk, MOMENT)}
    in_a_week = {scored.name: scored for scored in provisional_scores(walk | lived, MOMENT)}

    assert (alone["activity"].score_state, alone["activity"].coverage) == ("CALIBRATING", 1 / 7)
    assert (in_a_week["activity"].score, in_a_week["activity"].coverage) == (40, 4 / 7)


def test_another_days_tiles_do_not_score_today() -> None:
    tomorrow = TODAY + timedelta(days=1)
    scores = {scored.name: scored for scored in provisional_scores({tomorrow: {"energy": a_tile(5)}}, MOMENT)}

    assert scores["energy"].score is None


def test_only_scores_that_tiles_are_enough_for_are_provisional() -> None:
    assert {"activity", "energy", "mood"} <= set(LIVE_SCORES)
    assert not {"sleep", "life"} & set(LIVE_SCORES)


def test_live_state_keeps_every_measure_that_a_provisional_score_reads() -> None:
    sources = [source for sources in LIVE_SCORES.values() for source in sources.values()]
    read = {source.measure for source in sources if isinstance(source, Window)}
    read |= {measure for source in sources if isinstance(source, ToldDays) for measure in source.measures}

    assert read
    assert read <= set(KEPT)
