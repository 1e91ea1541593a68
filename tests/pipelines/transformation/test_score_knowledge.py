"""A score says when the newest of all that it read became known, or was known to be gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from tests.pipelines.transformation.conftest import Warehouse
from tests.pipelines.transformation.lives import Received, store


def test_a_score_knows_when_what_it_read_last_changed(warehouse: Warehouse) -> None:
    user_id = uuid4()
    late, rating_gone, night_gone = (datetime(2026, 4, day, tzinfo=UTC) for day in (1, 2, 3))
    nights = [a_night(user_id, day) for day in range(2, 21)]
    nights[1] = nights[1].changed(1, recorded_at=late.isoformat())
    rating = a_rating(user_id, 5)
    gone = {"payload": {}, "is_deleted": True}
    store(
        warehouse.owner_url,
        [
            *nights,
            rating,
            rating.changed(2, recorded_at=rating_gone.isoformat(), **gone),
            nights[13].changed(2, recorded_at=night_gone.isoformat(), **gone),
        ],
    )
    warehouse.build(full=True)

    def known(name: str, day: int) -> tuple[str, datetime]:
        query = (
            "select score_state, as_of from marts.scores"
            " where user_id = %s and score_name = %s and local_date = make_date(2026, 3, %s)"
        )
        [row] = warehouse.rows(query, user_id, name, day)
        return row

    # The usual bedtime is of 14 nights: that of the 3rd, of which the log heard late, is one of them up to the 17th.
    assert known("sleep", 14) == ("SCORED", late)
    assert known("sleep", 2) == ("SCORED", datetime(2026, 3, 2, 7, tzinfo=UTC))
    # What was deleted leaves a day without a score, which is known since then.
    assert known("energy", 5) == ("UNSCORABLE", rating_gone)
    assert known("sleep", 15) == ("UNSCORABLE", night_gone)
    assert known("sleep_regularity", 20) == ("SCORED", night_gone)
    # A life counts the scored days before it.
    assert known("life", 10)[1] == rating_gone
    assert known("life", 20)[1] == night_gone


def a_night(user_id: UUID, day: int) -> Received:
    ended_at = datetime(2026, 3, day, 7, tzinfo=UTC)
    return _an_event(
        user_id, "sleep.recorded", ended_at, started_at=ended_at - timedelta(hours=8), asleep_minutes=450
    )


def a_rating(user_id: UUID, day: int) -> Received:
    return _an_event(user_id, "energy.rated", datetime(2026, 3, day, 12, tzinfo=UTC), energy=5)


def _an_event(
    user_id: UUID, kind: str, at: datetime, *, started_at: datetime | None = None, **payload: object
) -> Received:
    body = {
        "event_id": str(uuid4()),
        "version": 1,
        "type": kind,
        "started_at": (started_at or at).isoformat(),
        "tz": "UTC",
        "source": {"name": "test"},
        "payload": payload,
        "recorded_at": at.isoformat(),
    }
    return Received(user_id, body | ({"ended_at": at.isoformat()} if started_at else {}))
