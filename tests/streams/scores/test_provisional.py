from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from aurora.features.packing import KEPT
from aurora.features.tiles import Tile
from aurora.features.vector import Moment
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


def test_another_days_tiles_do_not_score_today() -> None:
    tomorrow = TODAY + timedelta(days=1)
    scores = {scored.name: scored for scored in provisional_scores({tomorrow: {"energy": a_tile(5)}}, MOMENT)}

    assert scores["energy"].score is None


def test_only_scores_that_tiles_are_enough_for_are_provisional() -> None:
    assert {"activity", "energy", "mood"} <= set(LIVE_SCORES)
    assert not {"sleep", "life"} & set(LIVE_SCORES)


def test_live_state_keeps_every_measure_that_a_provisional_score_reads() -> None:
    read = {window.measure for windows in LIVE_SCORES.values() for window in windows.values()}

    assert read
    assert read <= set(KEPT)
