"""The chain of seals, without a database: what a row and a seal are hashed as, and what is wrong with a seal.

A seal names its rows in order with the hash of each, and has a digest over all that and the digest of the seal
before. The digest is keyed, by a key that Postgres does not have: who can write to every table still cannot make the
chain whole again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from aurora import clock
from aurora.events.canonical import canonical
from aurora.events.ciphertext import digest_root
from aurora.secrets import derive

NOTHING_BEFORE: Final = bytes(32)
"""In place of the digest before the first seal."""
FIRST: Final = 1
CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the clock of the database may be set back before a row looks as if it had the wrong time."""


@dataclass(frozen=True)
class AuditRow:
    """A row of `app.audit`."""

    audit_id: int
    at: datetime
    xid: str
    action: str
    actor_kind: str
    actor_id: UUID | None
    credential_id: UUID | None
    subject_user_id: UUID | None
    subject_id: str
    before_hash: bytes | None
    after_hash: bytes | None
    request_id: str | None

    def hash(self) -> bytes:
        """Of all but the id, which the seal names: rows that changed places are recognised.

        What is empty is left out, so that a later column changes nothing about the rows of before.
        """
        content = {name: _text(value) for name, value in vars(self).items() if name != "audit_id"}
        told = {name: value for name, value in content.items() if value is not None}
        return hashlib.sha256(canonical(told)).digest()


@dataclass(frozen=True)
class Moment:
    """When a seal was made: which transactions were over (`pg_snapshot`), and of which cluster their ids are."""

    sealed_at: datetime
    snapshot: str
    cluster: str

    def comes_before(self, xid: str) -> bool:
        """Whether a transaction of this id began to write after this moment."""
        return int(xid) >= int(self.snapshot.split(":")[1])

    def has_seen(self, xid: str) -> bool:
        """Whether a transaction of this id was over by then."""
        _, _, running = self.snapshot.split(":")
        return not self.comes_before(xid) and xid not in running.split(",")


@dataclass(frozen=True)
class Seal:
    """A row of `app.audit_seals`."""

    number: int
    previous_digest: bytes
    audit_ids: list[int]
    row_hashes: list[bytes]
    snapshot: str
    cluster: str
    sealed_at: datetime
    digest: bytes

    @property
    def moment(self) -> Moment:
        return Moment(self.sealed_at, self.snapshot, self.cluster)

    @property
    def head(self) -> str:
        """Names the seal, and with it all that came before: to be written down elsewhere."""
        return f"{self.number}:{self.digest.hex()}"


Kind = Literal[
    "seal missing", "seal changed", "seal out of line",
    "row changed", "row removed", "row inserted", "row moved", "row misdated", "row sealed twice",
    "head missing",
]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was sealed, in words."""

    kind: Kind
    sentence: str


def utc(instant: datetime) -> str:
    """An instant for people, to the second."""
    return f"{clock.local_time(instant, 'UTC'):%Y-%m-%d %H:%M:%S} UTC"


def seal_key(system_key: str) -> bytes:
    """Keys the digests of seals."""
    return bytes.fromhex(derive(digest_root(system_key), "seals of the audit trail"))


def next_seal(last: Seal | None, rows: Sequence[AuditRow], moment: Moment, key: bytes) -> Seal:
    """The seal over these rows, in this order."""
    number = last.number + 1 if last else FIRST
    previous = last.digest if last else NOTHING_BEFORE
    ids, hashes = [row.audit_id for row in rows], [row.hash() for row in rows]
    digest = _digest(key, number, previous, ids, hashes, moment)
    return Seal(number, previous, ids, hashes, moment.snapshot, moment.cluster, moment.sealed_at, digest)


def check_seal(seal: Seal, last: Seal | None, found: Mapping[int, AuditRow], key: bytes) -> Iterator[Finding]:
    """What is wrong with a seal that is read after `last`, and with the rows that are found of those it names."""
    yield from _check_place(seal, last)
    digest = _digest(key, seal.number, seal.previous_digest, seal.audit_ids, seal.row_hashes, seal.moment)
    if not hmac.compare_digest(digest, seal.digest):
        yield Finding("seal changed", f"seal {seal.number} of {utc(seal.sealed_at)} was changed")
    sealed = dict(zip(seal.audit_ids, seal.row_hashes, strict=False))
    place_of = {row_hash: audit_id for audit_id, row_hash in sealed.items()}
    for audit_id, row_hash in sealed.items():
        row = found.get(audit_id)
        if row is None:
            yield Finding("row removed", f"row {audit_id}, sealed by {seal.number}, was removed")
        elif (now := row.hash()) != row_hash:
            if now in place_of:
                yield Finding(
                    "row moved", f"row {audit_id} was {place_of[now]} when seal {seal.number} was made"
                )
            else:
                yield Finding("row changed", f"row {audit_id} was changed since seal {seal.number}")
        elif (wrong := _misdated(row, seal, last)) is not None:
            yield wrong


def check_unsealed(row: AuditRow, last: Seal | None, cluster: str) -> Finding | None:
    """What is wrong with a row that no seal names; None where it waits for the next one.

    In another cluster than that of the last seal, where a dump was restored, ids of transactions say nothing.
    """
    if last is None or last.cluster != cluster or not last.moment.has_seen(row.xid):
        return None
    return Finding(
        "row inserted", f"row {row.audit_id} was not there when seal {last.number} was made, and says it was"
    )


def _check_place(seal: Seal, last: Seal | None) -> Iterator[Finding]:
    expected = last.number + 1 if last else FIRST
    if seal.number > expected:
        missing = (
            f"seal {expected} is"
            if seal.number == expected + 1
            else f"seals {expected} to {seal.number - 1} are"
        )
        yield Finding("seal missing", f"{missing} missing, and what was sealed there with it")
    elif seal.previous_digest != (last.digest if last else NOTHING_BEFORE):
        yield Finding("seal out of line", f"seal {seal.number} does not follow on the seal before it")


def _misdated(row: AuditRow, seal: Seal, last: Seal | None) -> Finding | None:
    """A row that was written between two seals says so, give or take what clocks do.

    Only where ids of transactions tell: in one cluster, and between two moments, of which each may have many seals.
    """
    says = f"row {row.audit_id} says {utc(row.at)}"
    if row.at > seal.sealed_at + CLOCKS_DIFFER:
        return Finding("row misdated", f"{says}, and was sealed before that: {utc(seal.sealed_at)}")
    if last is None or last.cluster != seal.cluster or last.snapshot == seal.snapshot:
        return None
    if not last.moment.comes_before(row.xid):
        return None
    if row.at < last.sealed_at - CLOCKS_DIFFER:
        return Finding(
            "row misdated", f"{says}, and was written after seal {last.number} of {utc(last.sealed_at)}"
        )
    return None


def _digest(
    key: bytes, number: int, previous: bytes, ids: Sequence[int], hashes: Sequence[bytes], moment: Moment
) -> bytes:
    content = {
        "number": number,
        "previous_digest": previous.hex(),
        "audit_ids": list(ids),
        "row_hashes": [row_hash.hex() for row_hash in hashes],
        **{name: _text(value) for name, value in vars(moment).items()},
    }
    return hmac.new(key, canonical(content), hashlib.sha256).digest()


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return clock.local_time(value, "UTC").isoformat(timespec="microseconds")
    if isinstance(value, bytes):
        return value.hex()
    return None if value is None else str(value)
