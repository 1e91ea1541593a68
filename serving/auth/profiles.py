"""Profiles: where people live and how they want things told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from aurora import clock
from serving.auth.people import Person
from serving.auth.schemas import ProfileChange, Rated, Scale, Units, UserRead
from serving.database import Connection

_READ: Final[LiteralString] = "select display_name, tz, units, scales from app.users where user_id = %s"
_WRITE: Final[LiteralString] = """
    update app.users
    set display_name = %(display_name)s, tz = %(tz)s, units = %(units)s, scales = %(scales)s
    where user_id = %(user_id)s
"""


@dataclass(frozen=True)
class Profile:
    """What a person may change of their account."""

    display_name: str | None
    tz: str
    units: Units
    scales: dict[Rated, Scale]

    def changed(self, change: ProfileChange) -> Profile:
        """The same with what was named; UnknownTimeZoneError when there is no such zone."""
        named: dict[str, Any] = {name: getattr(change, name) for name in change.model_fields_set}
        if "tz" in named:
            clock.zone(change.tz)
        if "scales" in named:
            merged = self.scales | change.scales
            named["scales"] = {rated: scale for rated, scale in merged.items() if scale is not None}
        return replace(self, **named)

    def shown(self, person: Person, system_key: str) -> UserRead:
        """The account with this profile, for its owner."""
        return UserRead(
            user_id=person.user_id,
            username=person.username,
            display_name=self.display_name,
            email=person.email(system_key),
            email_verified=person.has_confirmed_email,
            email_wanted=person.wanted_email(system_key),
            tz=self.tz,
            units=self.units,
            scales=self.scales,
            cohort=person.cohort,
            created_at=person.created_at,
        )


async def read_profile(connection: Connection, user_id: UUID, *, lock: bool = False) -> Profile:
    """The profile of a person who exists; with `lock` nobody else changes it before the transaction ends."""
    cursor = await connection.execute(f"{_READ} for update" if lock else _READ, (user_id,))
    row = await cursor.fetchone()
    if row is None:
        raise LookupError(f"no person {user_id}")
    display_name, tz, units, scales = row
    read = {rated: Scale.model_validate(scale) for rated, scale in scales.items()}
    return Profile(display_name, tz, units, read)


async def write_profile(connection: Connection, user_id: UUID, profile: Profile) -> None:
    scales = {rated: scale.model_dump() for rated, scale in profile.scales.items()}
    await connection.execute(_WRITE, {**vars(profile), "scales": Jsonb(scales), "user_id": user_id})
