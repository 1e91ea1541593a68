"""Another key wraps people's data keys, and what was sealed with these can be read as before."""

from __future__ import annotations

from uuid import UUID, uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from aurora.cli import build
from aurora.events import rewrapping
from aurora.events.ciphertext import is_wrapped_by_first, new_person_key, open_text, seal_text, unwrap
from aurora.events.rewrapping import rewrap

OLD, NEW = "0f" * 32, "1f" * 32
RING = f"{NEW} {OLD}"


def add_person(url: str, wrapped: bytes | None = None) -> UUID:
    user_id = uuid4()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into app.users (user_id, username, data_key_ciphertext) values (%s, %s, %s)",
            (user_id, str(user_id), new_person_key(OLD, user_id) if wrapped is None else wrapped),
        )
    return user_id


def wrapped_key(url: str, user_id: UUID) -> bytes:
    with psycopg.connect(url) as connection:
        [(wrapped,)] = connection.execute(
            "select data_key_ciphertext from app.users where user_id = %s", (user_id,)
        ).fetchall()
    return wrapped


def test_afterwards_the_new_key_alone_reads_what_was_sealed_before(committed_database: str) -> None:
    ada = add_person(committed_database)
    sealed = seal_text(unwrap(OLD, ada, wrapped_key(committed_database, ada)), ada, "ada@example.org")

    with psycopg.connect(committed_database, autocommit=True) as connection:
        found = rewrap(connection, RING)

    assert (found.people, found.changed, found.unreadable) == (1, 1, ())
    key = unwrap(NEW, ada, wrapped_key(committed_database, ada))
    assert open_text(key, ada, sealed) == "ada@example.org"


def test_interrupted_it_goes_on_where_it_was(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [add_person(committed_database) for _ in range(7)]
    monkeypatch.setattr(rewrapping, "AT_ONCE", 3)

    def interrupt(done: int, _count: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with psycopg.connect(committed_database, autocommit=True) as connection:
        with pytest.raises(KeyboardInterrupt):
            rewrap(connection, RING, on_done=interrupt)
        half = rewrap(connection, RING, only_look=True)
        rest = rewrap(connection, RING)
        again = rewrap(connection, RING)

    assert [half.changed, rest.changed, again.changed] == [4, 4, 0]
    assert all(is_wrapped_by_first(RING, ada, wrapped_key(committed_database, ada)) for ada in people)


def test_who_cannot_be_read_is_named_and_left_alone_and_who_was_erased_is_passed_over(
    committed_database: str,
) -> None:
    strange = add_person(committed_database, new_person_key("2f" * 32, uuid4()))
    add_person(committed_database, b"")
    before = wrapped_key(committed_database, strange)

    with psycopg.connect(committed_database, autocommit=True) as connection:
        found = rewrap(connection, RING)

    assert (found.people, found.changed, found.unreadable) == (1, 0, (strange,))
    assert wrapped_key(committed_database, strange) == before


def test_the_commands_say_what_is_to_do_and_do_it(
    committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(committed_database)
    monkeypatch.setenv("AURORA_POSTGRES_URL", committed_database)
    monkeypatch.setenv("AURORA_DATA_KEY", RING)

    told = [CliRunner().invoke(build(), ["keys", command]) for command in ("status", "rewrap", "status")]

    assert [each.exit_code for each in told] == [0, 0, 0], told
    assert "1 of them are wrapped by an older key" in told[0].output
    assert "1 of them were wrapped anew" in told[1].output
    assert "0 of them are wrapped by an older key" in told[2].output
