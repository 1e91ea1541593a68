"""Parity in production: the live vectors of a sample of people against the warehouse, at one same instant.

The warehouse's side is dbt's own SQL of the features, run over the moment that is asked about instead of over
the moments of the build. People who were touched since the last good build are left out: their tiles there are
behind by design, not by mistake.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from redis.asyncio import Redis

from aurora import clock
from aurora.database.connections import connect
from aurora.features.catalogue import DOMAINS
from aurora.features.live import read_tiles_of_many
from aurora.features.tiles import LIVE_DAYS, Tile
from aurora.features.vector import Moment, vector
from pipelines.transformation.dbt_runs import run_dbt, target_dir

SAMPLE: Final = 100
TOLERANCE: Final = 1e-9

_PEOPLE: Final = """
    select user_id, tz from app.users
    where
        deleted_at is null
        and exists (
            select from raw.user_days
            where user_days.user_id = users.user_id and user_days.local_date >= %(since)s
        )
    order by random()
    limit %(most)s
"""

_SETTLED: Final = """
    select user_id from unnest(%(user_ids)s::uuid[]) as asked (user_id)
    where
        not exists (
            select from raw.unbuilt_days
            where unbuilt_days.user_id = asked.user_id
        )
        and not exists (
            select from raw.outbox
            where outbox.user_id = asked.user_id and consumed_at is null and due_at <= now()
        )
"""

_MOMENTS: Final = """
    create temporary table asked_moments on commit drop as
    select * from intermediate.int_rebuilt_moments limit 0
"""
# Nothing is settled: each looks up what counted when it asked.
_ASK: Final = """
    insert into asked_moments (
        moment_number, day_number, asked_days, user_id, local_date, as_of, precision, local_seconds
    ) values (%(number)s, %(number)s, 1, %(user_id)s, %(local_date)s, %(as_of)s, 'instant', %(local_seconds)s)
"""
_MOMENTS_OF_THE_BUILD: Final = re.compile(r'("[^"]+"\.)?"intermediate"\."int_rebuilt_moments"')

LiveTiles = Mapping[UUID, Mapping[Any, Mapping[str, Tile]] | None]


@dataclass(frozen=True)
class Mismatch:
    """One number on which the two engines do not agree."""

    user_id: UUID
    feature: str
    live: float | None
    warehouse: float | None


@dataclass(frozen=True)
class ParityReport:
    """What was compared, what was not and why, and where the two engines differ."""

    as_of: datetime
    people: int
    values: int
    without_tiles: int
    touched: int
    mismatches: tuple[Mismatch, ...]


def compare_live_people(
    postgres_url: str, redis_url: str, *, data_dir: Path, sample: int = SAMPLE
) -> ParityReport:
    """Compare the live vectors of up to `sample` active people with the warehouse's."""
    features = _compiled_features(postgres_url, data_dir)
    with connect(postgres_url) as connection:
        as_of = clock.now()
        chosen = connection.execute(
            _PEOPLE, {"since": as_of.date() - timedelta(days=LIVE_DAYS), "most": sample}
        ).fetchall()
        moments = {user_id: Moment.at(as_of, tz) for user_id, tz in chosen}
        connection.commit()
        # Live state first: whoever changes after it was read is seen as touched below.
        live = asyncio.run(_read_live(redis_url, list(moments)))
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        settled = _settled(connection, [user_id for user_id in moments if live[user_id] is not None])
        warehouse = _warehouse_vectors(
            connection, {user_id: moments[user_id] for user_id in settled}, features
        )
    filled = sum(tiles is not None for tiles in live.values())
    mismatches, values = [], 0
    for user_id, expected in warehouse.items():
        told = vector(live[user_id] or {}, moments[user_id])
        values += len(told)
        mismatches += [
            Mismatch(user_id, name, told[name], expected.get(name))
            for name in told
            if not _equal(told[name], expected.get(name))
        ]
    return ParityReport(
        as_of=as_of,
        people=len(warehouse),
        values=values,
        without_tiles=len(moments) - filled,
        touched=filled - len(settled),
        mismatches=tuple(mismatches),
    )


async def _read_live(redis_url: str, user_ids: list[UUID]) -> LiveTiles:
    async with Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=5) as redis:
        return await read_tiles_of_many(redis, user_ids)


def _settled(connection: psycopg.Connection[Any], user_ids: list[UUID]) -> set[UUID]:
    return {user_id for (user_id,) in connection.execute(_SETTLED, {"user_ids": user_ids})}


def _warehouse_vectors(
    connection: psycopg.Connection[Any], moments: Mapping[UUID, Moment], features: Iterable[str]
) -> dict[UUID, dict[str, float | None]]:
    connection.execute(_MOMENTS)
    with connection.cursor() as cursor:
        cursor.executemany(
            _ASK,
            [
                {"number": number, "user_id": user_id, **asdict(moment)}
                for number, (user_id, moment) in enumerate(moments.items())
            ],
        )
    found: dict[UUID, dict[str, float | None]] = {user_id: {} for user_id in moments}
    for query in features:
        for row in connection.cursor(row_factory=dict_row).execute(cast("LiteralString", query)):
            found[row["user_id"]] |= row
    return found


def _compiled_features(postgres_url: str, data_dir: Path) -> list[str]:
    """dbt's SQL of every domain of features, over `asked_moments`."""
    names = [f"int_{domain}_features" for domain in DOMAINS]
    run_dbt(["compile", "--select", *names], postgres_url=postgres_url, data_dir=data_dir)
    folder = target_dir(data_dir) / "compiled"
    files = [next(folder.rglob(f"models/features/domains/{name}.sql")) for name in names]
    return [_MOMENTS_OF_THE_BUILD.sub("asked_moments", file.read_text(encoding="utf-8")) for file in files]


def _equal(live: float | None, warehouse: float | None) -> bool:
    if live is None or warehouse is None:
        return live is warehouse
    return math.isclose(live, warehouse, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
