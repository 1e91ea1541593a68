"""Small lives for tests of the warehouse: drawn histories of events, and their way into the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import strategies as st
from psycopg import sql

from aurora.database.partitions import ensure_partitions, month_of
from aurora.events.acceptance import AcceptedEvent, validate
from aurora.events.reconciliation import RECONCILED
from aurora.events.storage import incoming_row, store_incoming
from aurora.events.storing_statements import INCOMING_COLUMNS, create_incoming

RECEIVED_AT = datetime(2026, 6, 1, tzinfo=UTC)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 34
"""Long enough for a window of 28 days to lose its oldest, with both DST changes of the spring inside."""

DELAYS = (-90, 0, 0, 1, 60, 600, 3000, 20_000)
"""Minutes until an event is known: some at once, some late, some before they had even happened."""

AHEAD = (0, 7, 40, 690)
"""Days, and up to DAYS more, from the arrival until an appointment: soon, one after the other, or years off."""

ZONES = ("UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")


SOURCES: tuple[dict[str, str], ...] = (
    {"name": "test"},
    {"name": "diary"},
    {"name": "watch", "device": "left", "modality": "sensed"},
    {"name": "watch", "device": "right", "modality": "sensed"},
    {"name": "apple-health", "modality": "sensed"},
)


@dataclass(frozen=True)
class Received:
    """One event as it arrives, and whose it is."""

    user_id: UUID
    body: dict[str, Any]

    def accepted(self, received_at: datetime = RECEIVED_AT) -> AcceptedEvent:
        verdict = validate(
            self.body,
            user_id=self.user_id,
            user_tz=self.body["tz"],
            received_at=received_at,
            hash_key=b"test",
            is_import=True,
        )
        assert isinstance(verdict, AcceptedEvent), verdict
        return verdict

    def changed(self, version: int, **changes: Any) -> Received:
        return replace(self, body=self.body | {"version": version} | changes)


def draw_payload(random: Random) -> tuple[str, dict[str, Any], int | None]:
    """Type, payload and minutes that it lasted."""
    number = random.randint(0, 20) / 2
    minutes = int(number * 30) + 1
    found = {
        "energy": ("energy.rated", {"energy": number}, None),
        "mood": ("mood.rated", {"valence": (number - 5) / 5}, None),
        "sleep": (
            "sleep.recorded",
            {
                "asleep_minutes": minutes + 0.25,
                "deep_minutes": 10.125,
                "rem_minutes": number * 7,
                "efficiency_percent": 80 + number,
            },
            minutes,
        ),
        "nap": ("sleep.recorded", {"asleep_minutes": minutes, "is_nap": True}, minutes),
        "exercise": ("exercise.recorded", {"load": number * 7, "moderate_minutes": 3}, minutes),
        "run": ("exercise.recorded", {"duration_minutes": minutes, "vigorous_minutes": number}, minutes),
        "work": ("work.recorded", {"duration_minutes": minutes}, minutes),
        "meal": ("meal.eaten", {"energy_kcal": number * 100}, None),
        "caffeine": ("caffeine.consumed", {"caffeine_mg": number * 20}, None),
        "alcohol": ("alcohol.consumed", {"alcohol_g": number}, None),
        "social": ("social.met", {"people_count": 2}, minutes),
        "stress": ("stress.rated", {"stress": number}, None),
        "weather": ("weather.observed", {"daylight_minutes": 700 + number}, None),
        "steps": ("steps.counted", {"steps": int(number * 500)}, minutes),
        "hrv": ("hrv.measured", {"rmssd_ms": 30 + number}, None),
        "pulse": ("heart_rate.measured", {"bpm": 50 + number, "is_resting": True}, None),
        "hydration": ("hydration.drunk", {"volume_ml": number * 100}, None),
        "weight": ("weight.measured", {"weight_kg": 60 + number}, None),
        "medication": ("medication.taken", {"name": "a medicine", "dose": number}, None),
        "screen": ("screen_time.recorded", {"duration_minutes": minutes}, minutes),
        "meditation": ("meditation.practised", {"duration_minutes": minutes}, minutes),
        "appointment": ("calendar.scheduled", {"duration_minutes": minutes}, minutes),
        "note": ("note.written", {}, None),
        "custom": ("custom.recorded", {"name": "anything", "value": number}, None),
    }
    weights = [4 if name in {"energy", "mood", "sleep"} else 1 for name in found]
    return found[random.choices(list(found), weights)[0]]


def draw_event(random: Random, user_id: UUID, tz: str) -> list[Received]:
    """An event with its later versions: corrected, moved to another day, deleted, known in any order."""
    kind, payload, minutes = draw_payload(random)
    started_at = FIRST + timedelta(minutes=30 * random.randint(0, DAYS * 48))
    if kind == "calendar.scheduled" and random.random() < 0.7:
        started_at += RECEIVED_AT - FIRST + timedelta(days=random.choice(AHEAD))
    is_day = random.random() < 0.1

    body: dict[str, Any] = {
        "event_id": str(UUID(int=random.getrandbits(128), version=4)),
        "version": 1,
        "type": kind,
        "started_at": started_at.isoformat(),
        "tz": tz if random.random() < 0.9 else random.choice(ZONES),
        "source": random.choice(SOURCES),
        "payload": payload,
        "precision": "day" if is_day else "instant",
        "recorded_at": (started_at + timedelta(minutes=random.choice(DELAYS))).isoformat(),
    }
    if minutes is not None and not is_day:
        body["ended_at"] = (started_at + timedelta(minutes=minutes)).isoformat()
    if kind == "note.written":
        body["note"] = "What nobody else may read"
    if random.random() < 0.3:
        body["form_id"] = f"form-{random.randint(0, 9)}"
    return with_versions(random, Received(user_id, body))


def draw_second_report(random: Random, first: Received) -> list[Received]:
    """What another source tells of the same night or workout: somewhat later, shorter, less or more of it."""
    shift = timedelta(minutes=random.choice([-240, -20, 0, 0, 10, 45]))
    body = first.body | {
        "event_id": str(UUID(int=random.getrandbits(128), version=4)),
        "source": random.choice(SOURCES),
        "recorded_at": (datetime.fromisoformat(first.body["recorded_at"]) + shift).isoformat(),
        "started_at": (datetime.fromisoformat(first.body["started_at"]) + shift).isoformat(),
    }
    if "ended_at" in body:
        lasted = datetime.fromisoformat(first.body["ended_at"]) - datetime.fromisoformat(
            first.body["started_at"]
        )
        share = random.choice([0.5, 1.0, 1.0, 1.5])
        body["ended_at"] = (datetime.fromisoformat(body["started_at"]) + lasted * share).isoformat()
    if random.random() < 0.5:
        body["payload"] = dict(list(body["payload"].items())[:1])
    return with_versions(random, Received(first.user_id, body))


def with_versions(random: Random, first: Received) -> list[Received]:
    """The event and what becomes of it."""
    body, kind, payload = first.body, first.body["type"], first.body["payload"]
    started_at = datetime.fromisoformat(body["started_at"])

    def recorded_at() -> str:
        return (started_at + timedelta(minutes=random.choice(DELAYS))).isoformat()

    versions = [first]
    for version in range(2, 2 + random.choice([0, 0, 0, 1, 2])):
        changes: dict[str, Any] = {"recorded_at": recorded_at()}
        what = random.choice(["corrected", "moved", "deleted", "left its form"])
        if what == "corrected":
            again = [draw_payload(random) for _ in range(50)]
            changes["payload"] = next((p for k, p, _ in again if k == kind), payload)
        elif what == "moved":
            moved = started_at - timedelta(minutes=30 * random.randint(1, 200))
            changes["started_at"] = moved.isoformat()
            if "ended_at" in body:
                changes["ended_at"] = (
                    moved + (datetime.fromisoformat(body["ended_at"]) - started_at)
                ).isoformat()
        elif what == "deleted":
            changes |= {"payload": {}, "note": None, "is_deleted": True}
        else:
            changes["form_id"] = None
        versions.append(versions[0].changed(version, **changes))
    return versions


def draw_life(seed: int) -> list[Received]:
    """A person's events, some of them received twice, in no order."""
    random = Random(seed)  # noqa: S311  # reproducible lives, no secrets
    user_id, tz = uuid4(), random.choice(ZONES)
    drawn = [draw_event(random, user_id, tz) for _ in range(random.choice([1, 20, 60, 120]))]
    told_twice = [
        versions[0] for versions in drawn if versions[0].body["type"] in RECONCILED and random.random() < 0.5
    ]
    drawn += [draw_second_report(random, first) for first in told_twice]
    received = [version for versions in drawn for version in versions]
    received += random.sample(received, len(received) // 10)
    random.shuffle(received)
    return received


lives = st.integers(0, 2**32).map(draw_life)
"""A seed rather than every single choice: a life is more than Hypothesis would generate in one piece."""


def store(url: str, received: Iterable[Received], *, received_at: datetime = RECEIVED_AT) -> None:
    """Put events into the log, in one transaction, as an import does."""
    accepted = [item.accepted(received_at) for item in received]
    with psycopg.connect(url) as connection:
        _ensure_people(connection, {(event.user_id, event.tz) for event in accepted})
        ensure_partitions(connection, {month_of(event.started_at) for event in accepted})
        connection.execute(create_incoming("arriving"))
        columns = list(INCOMING_COLUMNS)
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("copy {} from stdin").format(sql.Identifier("arriving"))) as copy,
        ):
            for ordinal, event in enumerate(accepted):
                row = incoming_row(ordinal, event, person_key=bytes(32))
                row["payload"] = json.dumps(row["payload"])
                copy.write_row([row[column] for column in columns])
        store_incoming(connection, "arriving", today=received_at.date())


def _ensure_people(connection: psycopg.Connection[Any], people: Iterable[tuple[UUID, str]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into app.users (user_id, username, tz, data_key_ciphertext, cohort)"
            " values (%s, %s, %s, '', 'tested') on conflict do nothing",
            [(user_id, str(user_id), tz) for user_id, tz in people],
        )


def in_parts(received: Sequence[Received], count: int) -> list[list[Received]]:
    """The same events, cut into `count` arrivals."""
    return [list(received[part::count]) for part in range(count)]
