"""Walks the whole chain of seals, and all the rows under it, and says what is not as it was sealed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from aurora.errors import AuroraError
from serving.audit.chain import AuditRow, Finding, Seal, check_seal, check_unsealed
from serving.audit.trail import COLUMNS, SEAL_COLUMNS, read_last_seal, read_moment

_COUNT: Final[LiteralString] = "select coalesce(sum(cardinality(audit_ids)), 0) from app.audit_seals"
_SEALS: Final[LiteralString] = f"select {SEAL_COLUMNS} from app.audit_seals order by number"  # noqa: S608  # our own text
_ROWS: Final[LiteralString] = f"select {COLUMNS} from app.audit where audit_id = any(%s)"  # noqa: S608  # our own text
_UNSEALED: Final[LiteralString] = f"""
    select {COLUMNS} from app.audit
    where audit_id in (select audit_id from app.audit except select unnest(audit_ids) from app.audit_seals)
    order by audit_id
"""  # noqa: S608  # our own text
_TWICE: Final[LiteralString] = """
    select audit_id, array_agg(number order by number)
    from app.audit_seals cross join unnest(audit_ids) as sealed (audit_id)
    group by audit_id
    having count(*) > 1
    order by audit_id
"""
_SEALS_AT_ONCE: Final = 10
_HEAD: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")

OnRows = Callable[[int], None]
"""Called with how many rows were checked at each step."""


class HeadInvalidError(AuroraError):
    def __init__(self) -> None:
        super().__init__(
            "a head is the number of a seal, a colon and 64 hex digits, as the job worker logs it"
        )


@dataclass(frozen=True)
class Head:
    """A seal that somebody wrote down elsewhere."""

    number: int
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Head:
        """HeadInvalidError when this is not the name of a seal."""
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise HeadInvalidError
        return cls(int(found[1]), bytes.fromhex(found[2]))


@dataclass
class Report:
    """What was checked, and what was found."""

    seals: int = 0
    rows: int = 0
    last: Seal | None = None
    waiting: int = 0
    waiting_since: datetime | None = None
    findings: list[Finding] = field(default_factory=list)


def count_sealed(connection: psycopg.Connection[Any]) -> int:
    """How many rows there are to check."""
    [(count,)] = connection.execute(_COUNT).fetchall()
    return int(count)


def verify(
    connection: psycopg.Connection[Any],
    key: bytes,
    *,
    known: Head | None = None,
    on_rows: OnRows | None = None,
) -> Report:
    """Check the whole trail as one moment saw it; `known` is a seal that has to be there.

    The connection must be in autocommit.
    """
    # What is sealed meanwhile neither helps nor hinders.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    report = Report()
    with connection.transaction():
        is_known = known is None
        for seal, rows in _sealed(connection):
            report.findings += check_seal(seal, report.last, rows, key)
            is_known = is_known or (
                known is not None and (seal.number, seal.digest) == (known.number, known.digest)
            )
            report.last = seal
            report.seals += 1
            report.rows += len(seal.audit_ids)
            if on_rows is not None:
                on_rows(len(seal.audit_ids))
        if known is not None and not is_known:
            report.findings.append(
                Finding("head missing", f"seal {known.number} is missing or another one than you wrote down")
            )
        _check_the_rest(connection, report)
    return report


def _sealed(connection: psycopg.Connection[Any]) -> Iterator[tuple[Seal, dict[int, AuditRow]]]:
    """Each seal in order, with those of its rows that there are."""
    with (
        connection.cursor(name="seals", row_factory=class_row(Seal)) as seals,
        connection.cursor(row_factory=class_row(AuditRow)) as rows,
    ):
        seals.itersize = _SEALS_AT_ONCE
        seals.execute(_SEALS)
        for seal in seals:
            rows.execute(_ROWS, (seal.audit_ids,))
            yield seal, {row.audit_id: row for row in rows}


def _check_the_rest(connection: psycopg.Connection[Any], report: Report) -> None:
    """What no seal names, and what two seals name."""
    last, cluster = read_last_seal(connection), read_moment(connection).cluster
    with connection.cursor(name="unsealed", row_factory=class_row(AuditRow)) as unsealed:
        unsealed.execute(_UNSEALED)
        for row in unsealed:
            finding = check_unsealed(row, last, cluster)
            if finding is not None:
                report.findings.append(finding)
                continue
            report.waiting += 1
            report.waiting_since = min(report.waiting_since or row.at, row.at)
    for audit_id, numbers in connection.execute(_TWICE):
        told = " and ".join(map(str, numbers))
        report.findings.append(Finding("row sealed twice", f"row {audit_id} was sealed twice, by {told}"))
