from __future__ import annotations

from uuid import UUID

import psycopg

from aurora.events.ciphertext import unwrap
from aurora.events.people import Person, ensure_people, event_id_of, user_id_of

SYSTEM_KEY = "0f" * 32


def test_the_ids_that_follow_from_a_source_are_the_same_on_every_machine() -> None:
    user_id = user_id_of("soccermon", "TeamA-7")

    # A change here makes every re-import a second copy of everybody.
    assert user_id == UUID("f020d842-d4df-5588-a780-96eea4270206")
    assert event_id_of(user_id, "soccermon", "2020-01-01:mood") == UUID(
        "f11b007d-6ec1-5c69-a405-93dcd4a595b6"
    )


def test_people_of_two_cohorts_under_one_name_are_two() -> None:
    assert user_id_of("a", "1") != user_id_of("b", "1")
    assert event_id_of(user_id_of("a", "1"), "file", "1") != event_id_of(user_id_of("b", "1"), "file", "1")


def test_people_are_created_once_with_a_key_of_their_own(committed_database: str) -> None:
    people = [
        Person(user_id_of("study", key), f"study-{key}", "Europe/Oslo", "study") for key in ("1", "2", "3")
    ]
    with psycopg.connect(committed_database) as connection:
        assert ensure_people(connection, people[:2], SYSTEM_KEY) == 2
        assert ensure_people(connection, people, SYSTEM_KEY) == 1

        rows = connection.execute("select user_id, data_key_ciphertext from app.users").fetchall()
        assert len({unwrap(SYSTEM_KEY, user_id, wrapped) for user_id, wrapped in rows}) == 3


def test_nobody_to_create_is_no_work(committed_database: str) -> None:
    with psycopg.connect(committed_database) as connection:
        assert ensure_people(connection, [], SYSTEM_KEY) == 0
