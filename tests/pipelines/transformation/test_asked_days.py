"""Today is a day of the warehouse for everybody who is active, also before they have told anything today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from pipelines.transformation.asked_days import ask_for_today
from tests.pipelines.transformation.lives import Received, store

NOW = datetime(2026, 4, 10, 23, 30, tzinfo=UTC)


def a_rating(user_id: UUID, at: str, tz: str) -> Received:
    body = {
        "event_id": str(uuid4()),
        "type": "energy.rated",
        "started_at": at,
        "tz": tz,
        "source": {"name": "test"},
        "payload": {"energy": 5},
    }
    return Received(user_id, body)


def days_of(url: str, user_id: UUID, *, since: date = date(2026, 4, 9)) -> list[date]:
    query = "select local_date from raw.user_days where user_id = %s and local_date >= %s order by 1"
    with psycopg.connect(url) as connection:
        return [day for (day,) in connection.execute(query, (user_id, since)).fetchall()]


def test_today_of_an_active_person_is_asked_for_by_their_own_clock(committed_database: str) -> None:
    norwegian, american, gone = uuid4(), uuid4(), uuid4()
    store(
        committed_database,
        [
            a_rating(norwegian, "2026-04-08T08:00:00+02:00", "Europe/Oslo"),
            a_rating(american, "2026-04-08T08:00:00-04:00", "America/New_York"),
            a_rating(gone, "2026-03-01T08:00:00Z", "UTC"),
        ],
    )
    with psycopg.connect(committed_database) as connection:
        asked = ask_for_today(connection, NOW)
        ask_for_today(connection, NOW)
        [(touched,)] = connection.execute(
            "select count(*) from raw.touched_days where user_id = %s and local_date = '2026-04-11'",
            (norwegian,),
        ).fetchall()

    assert asked == 2
    assert days_of(committed_database, norwegian) == [date(2026, 4, 11)]
    assert days_of(committed_database, american) == [date(2026, 4, 10)]
    assert days_of(committed_database, gone) == []
    assert touched == 1


def test_day_keeps_the_zone_that_it_was_made_in_when_the_person_moves(committed_database: str) -> None:
    traveller = uuid4()
    store(committed_database, [a_rating(traveller, "2026-04-08T08:00:00+02:00", "Europe/Oslo")])
    with psycopg.connect(committed_database) as connection:
        ask_for_today(connection, NOW)
        connection.execute("update app.users set tz = 'Asia/Tokyo' where user_id = %s", (traveller,))
        ask_for_today(connection, NOW)
        ask_for_today(connection, NOW + timedelta(days=1))
        days = connection.execute(
            "select local_date, tz, day_started_at from raw.user_days where user_id = %s order by 1",
            (traveller,),
        ).fetchall()

    assert days == [
        (date(2026, 4, 8), "Europe/Oslo", datetime(2026, 4, 7, 22, tzinfo=UTC)),
        (date(2026, 4, 11), "Europe/Oslo", datetime(2026, 4, 10, 22, tzinfo=UTC)),
        (date(2026, 4, 12), "Asia/Tokyo", datetime(2026, 4, 11, 15, tzinfo=UTC)),
    ]


def test_of_a_replayed_cohort_nobody_else_is_asked_for(committed_database: str) -> None:
    somebody = uuid4()
    store(committed_database, [a_rating(somebody, "2026-04-08T08:00:00+02:00", "Europe/Oslo")])
    with psycopg.connect(committed_database) as connection:
        [(cohort,)] = connection.execute(
            "select cohort from app.users where user_id = %s", (somebody,)
        ).fetchall()
        of_others = ask_for_today(connection, NOW, cohort=f"not-{cohort}")
        of_theirs = ask_for_today(connection, NOW, cohort=cohort)

    assert (of_others, of_theirs) == (0, 1)
