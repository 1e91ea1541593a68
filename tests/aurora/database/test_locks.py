from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from aurora.database.locks import session_lock


def test_lock_is_one_sessions_until_its_block_ends(committed_database: str) -> None:
    with (
        psycopg.connect(committed_database, autocommit=True) as one,
        psycopg.connect(committed_database, autocommit=True) as other,
    ):
        with session_lock(one, "work", patience=0) as is_mine:
            assert is_mine
            with session_lock(other, "work", patience=0.1) as is_others:
                assert not is_others
            with session_lock(other, "other work", patience=0) as is_others:
                assert is_others
        with session_lock(other, "work", patience=0) as is_others:
            assert is_others


def test_who_is_patient_gets_the_lock_of_a_session_that_ends_meanwhile(committed_database: str) -> None:
    dying = psycopg.connect(committed_database, autocommit=True)
    dying.execute("select pg_advisory_lock(hashtextextended('work', 0))")

    def wait() -> bool:
        with (
            psycopg.connect(committed_database, autocommit=True) as other,
            session_lock(other, "work", patience=60) as is_mine,
        ):
            return is_mine

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(wait)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        dying.close()
        assert waiting.result()
