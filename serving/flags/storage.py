"""Rows of `app.feature_flags`: what administrators have set. A flag without a row is as the catalogue says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, LiteralString

from psycopg.types.json import Jsonb
from pydantic import ValidationError

from serving.database import Connection
from serving.flags.catalogue import FLAGS
from serving.flags.targeting import Setting

CHANNEL: Final = "aurora_feature_flags"
"""As the trigger of migration 0017 says it."""

# They are few, and change seldom: one change after the other, so that `If-Match` holds where there is no row yet.
_LOCK: Final[LiteralString] = "lock table app.feature_flags in share row exclusive mode"
_READ: Final[LiteralString] = "select name, is_on, rules, updated_at from app.feature_flags"
_WRITE: Final[LiteralString] = """
    insert into app.feature_flags (name, is_on, rules)
    values (%(name)s, %(is_on)s, %(rules)s)
    on conflict (name) do update
        set is_on = excluded.is_on, rules = excluded.rules, updated_at = excluded.updated_at
    returning updated_at
"""
_DELETE: Final[LiteralString] = "delete from app.feature_flags where name = %s"


@dataclass(frozen=True)
class Kept:
    """What was set, and when."""

    setting: Setting
    updated_at: datetime


@dataclass(frozen=True)
class Reading:
    """The whole table. What nobody can follow is passed over, with the reason."""

    kept: dict[str, Kept] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)


async def lock_flags(connection: Connection) -> None:
    """Nobody else changes a flag before the transaction ends; everybody may read them."""
    await connection.execute(_LOCK)


async def read_flags(connection: Connection) -> Reading:
    reading = Reading()
    for name, is_on, rules, updated_at in await (await connection.execute(_READ)).fetchall():
        if name not in FLAGS:
            reading.passed_over[name] = "not in the catalogue"
            continue
        try:
            setting = Setting.model_validate({"is_on": is_on, "rules": rules})
        except ValidationError:
            reading.passed_over[name] = "its rules cannot be read"
        else:
            reading.kept[name] = Kept(setting, updated_at)
    return reading


async def write_flag(connection: Connection, name: str, setting: Setting) -> Kept:
    rules = [rule.model_dump(mode="json", exclude_none=True) for rule in setting.rules]
    values = {"name": name, "is_on": setting.is_on, "rules": Jsonb(rules)}
    [(updated_at,)] = await (await connection.execute(_WRITE, values)).fetchall()
    return Kept(setting, updated_at)


async def delete_flag(connection: Connection, name: str) -> None:
    await connection.execute(_DELETE, (name,))
