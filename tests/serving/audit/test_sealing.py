"""Each row is sealed once, in one order, whoever writes and seals at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from threading import Event
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from serving.audit import sealing
from serving.audit.chain import AuditRow, Moment, Seal, next_seal
from serving.audit.trail import read_moment
from serving.jobs.audit import seal_audit
from tests.serving.audit.conftest import KEY, Trail, write

WRITERS = 8
ROWS_EACH = 40


def test_what_was_written_is_sealed_once(trail: Trail) -> None:
    first = trail.write(3)
    [seal] = trail.seal()
    second = trail.write(2)

    assert [each.audit_ids for each in (seal, *trail.seal())] == [first, second]
    assert trail.seal() == []
    assert trail.verify().findings == []


def test_a_row_that_is_committed_late_is_sealed_late(trail: Trail) -> None:
    with psycopg.connect(trail.serving_url) as slow:
        late = write(slow)
        [early] = trail.write()
        [first] = trail.seal()
        slow.commit()
        [second] = trail.seal()

    assert late < early
    assert (first.audit_ids, second.audit_ids) == ([early], [late])
    assert trail.verify().findings == []


def test_a_row_that_was_rolled_back_is_nobodys(trail: Trail) -> None:
    with psycopg.connect(trail.serving_url) as connection:
        write(connection)
        connection.rollback()
    kept = trail.write()

    trail.seal()

    assert trail.sealed() == kept
    assert trail.verify().findings == []


def test_rows_stand_in_the_order_of_their_transactions(trail: Trail) -> None:
    trail.write(3)
    trail.tamper(
        "update app.audit set xid = '10' where audit_id = 1",
        "update app.audit set xid = '9' where audit_id > 1",
    )

    [seal] = trail.seal()

    assert seal.audit_ids == [2, 3, 1]


def test_more_than_a_seal_takes_is_sealed_by_several(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 3)
    written = trail.write(7)

    made = trail.seal()

    assert [seal.audit_ids for seal in made] == [written[:3], written[3:6], written[6:]]
    assert [seal.number for seal in made] == [1, 2, 3]
    assert trail.verify().findings == []


def test_a_sealer_that_dies_in_between_leaves_all_to_the_next(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "MOST_ROWS", 2)
    written = trail.write(5)

    def die_at_the_second(last: Seal | None, rows: list[AuditRow], moment: Moment, key: bytes) -> Seal:
        if last is not None:
            with psycopg.connect(trail.owner_url, autocommit=True) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                    " where datname = current_database() and usename = 'aurora_jobs'"
                )
        return next_seal(last, rows, moment, key)

    with monkeypatch.context() as dying:
        dying.setattr(sealing, "next_seal", die_at_the_second)
        with pytest.raises(psycopg.OperationalError):
            trail.seal()

    assert trail.sealed() == []
    trail.seal()
    assert trail.sealed() == written
    assert trail.verify().findings == []


def test_while_one_seals_another_has_nothing_to_do(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    trail.write()
    others: list[list[Seal]] = []

    def seal_meanwhile(last: Seal | None, rows: list[AuditRow], moment: Moment, key: bytes) -> Seal:
        others.append(trail.seal())
        return next_seal(last, rows, moment, key)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sealing, "next_seal", seal_meanwhile)
        assert len(trail.seal()) == 1

    assert others == [[]]


def test_every_row_is_sealed_once_while_many_write_and_two_seal(trail: Trail) -> None:
    has_begun = Event()

    def keep_writing(writer: int) -> None:
        with psycopg.connect(trail.serving_url) as connection:
            for number in range(ROWS_EACH):
                write(connection)
                if number % (writer % 4 + 1) == 0:
                    connection.commit()
                if number == ROWS_EACH // 2:
                    connection.commit()
                    assert has_begun.wait(60)

    with ThreadPoolExecutor(WRITERS) as writers, ThreadPoolExecutor(2) as sealers:
        writing = [writers.submit(keep_writing, writer) for writer in range(WRITERS)]

        def keep_sealing() -> None:
            while wait(writing, timeout=0).not_done:
                if trail.seal():
                    has_begun.set()

        sealing_too = [sealers.submit(keep_sealing) for _ in range(2)]
        for done in (*writing, *sealing_too):
            done.result()
    trail.seal()

    assert len(trail.sealed()) == len(set(trail.sealed())) == WRITERS * ROWS_EACH
    report = trail.verify()
    assert (report.findings, report.rows, report.waiting) == ([], WRITERS * ROWS_EACH, 0)
    assert report.seals > 1


steps = st.lists(
    st.tuples(st.sampled_from(["write", "write", "commit", "roll back", "seal"]), st.integers(0, 2)),
    max_size=25,
)


@given(steps)
@settings(max_examples=25)
def test_whatever_the_order_of_commits_each_row_is_sealed_once(
    trail: Trail, drawn: list[tuple[str, int]]
) -> None:
    with ExitStack() as open_connections:
        people = [open_connections.enter_context(psycopg.connect(trail.serving_url)) for _ in range(3)]
        for step, number in drawn:
            match step:
                case "write":
                    write(people[number])
                case "commit":
                    people[number].commit()
                case "roll back":
                    people[number].rollback()
                case _:
                    trail.seal()
    trail.seal()

    with psycopg.connect(trail.owner_url) as connection:
        kept = {audit_id for (audit_id,) in connection.execute("select audit_id from app.audit")}
    assert sorted(trail.sealed()) == sorted(kept)
    assert trail.verify().findings == []


def test_the_chain_goes_on_in_another_cluster(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a dump was restored, transactions have other ids: those of before may well come again."""

    def elsewhere(connection: psycopg.Connection[Any]) -> Moment:
        return replace(read_moment(connection), cluster="another", snapshot="9000000:9000000:")

    trail.write(2)
    with monkeypatch.context() as before:
        before.setattr(sealing, "read_moment", elsewhere)
        trail.seal()
    trail.write(2)
    trail.tamper(
        "update app.audit set xid = '8000000' where audit_id = 3",  # written there, not sealed there
        "update app.audit set xid = '8000001' where audit_id = 4",
    )

    for _ in range(3):
        trail.write()
        trail.seal()

    assert sorted(trail.sealed()) == [1, 2, 3, 4, 5, 6, 7]
    assert trail.verify().findings == []


async def test_the_task_seals_and_measures_itself(trail: Trail) -> None:
    name = {"task_name": "seal_audit"}
    before = REGISTRY.get_sample_value("task_duration_seconds_count", name) or 0.0
    trail.write(2)

    sealed = [await seal_audit(trail.jobs_url, KEY) for _ in range(2)]

    assert sealed == [2, 0]
    assert REGISTRY.get_sample_value("task_duration_seconds_count", name) == before + 2


@pytest.mark.parametrize("table", ["audit", "audit_seals"])
@pytest.mark.parametrize(
    "statement",
    ["update app.{} set {} = default where false", "delete from app.{}", "truncate app.{} cascade"],
)
def test_not_even_the_owner_changes_what_is_written(trail: Trail, table: str, statement: str) -> None:
    column = "at" if table == "audit" else "sealed_at"
    query: Any = statement.format(table, column)
    with (
        psycopg.connect(trail.owner_url) as connection,
        pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
    ):
        connection.execute(query)


def test_only_the_job_worker_seals(trail: Trail, role_url: Callable[..., str]) -> None:
    trail.write()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sealing.seal_trail(trail.serving_url, KEY)
