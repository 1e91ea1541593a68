"""Whose rows: from what a source calls a person to the person, who is made when nobody knows them yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg

from aurora import clock
from aurora.events.ciphertext import unwrap
from aurora.events.people import Person, ensure_people, user_id_of
from pipelines.ingestion.errors import PersonMissingError
from pipelines.ingestion.mapped_rows import Whose
from pipelines.ingestion.mapping import Mapping

REAL = "real"


class WhoseRows:
    """Finds the person of a row. With `user` every row is that person's, whatever it says itself."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        mapping: Mapping,
        *,
        cohort: str,
        data_key: str,
        user: str | None = None,
        tz: str | None = None,
    ) -> None:
        if tz is not None:
            clock.zone(tz)
        self._connection, self._mapping, self._data_key = connection, mapping, data_key
        self._cohort, self._tz, self._user = cohort, tz, user
        self._known: dict[str, Whose | None] = {}
        self._erased: set[str] = set()
        self._person_keys: dict[UUID, bytes] = {}

    @property
    def count(self) -> int:
        """People whose rows were met."""
        return len({whose.user_id for whose in self._known.values() if whose})

    def only_person(self) -> UUID | None:
        """The id of the person named by `user`, who may not exist yet; None without `user`."""
        if self._user is None:
            if self._mapping.user is None:
                raise PersonMissingError(
                    f"the mapping {self._mapping.name!r} does not say whose rows these are: "
                    "name the person with --user"
                )
            return None
        found = self._find([self._user]).get(self._user)
        if self._user in self._erased:
            raise PersonMissingError(f"{self._user} has been erased: nothing can be imported for them")
        if found is None and _is_uuid(self._user):
            raise PersonMissingError(f"there is no person with the id {self._user}")
        return found.user_id if found else user_id_of(self._cohort, self._user)

    def only_zone(self) -> str | None:
        """The zone of the person named by `user`, once a row of theirs was met."""
        found = self._known.get(self._user) if self._user is not None else None
        return found.tz if found else None

    def meet(self, rows: Iterable[dict[str, Any]]) -> None:
        """Look up the people of these rows, and make those who are new."""
        keys = {key for key in map(self._key, rows) if key is not None} - self._known.keys()
        if not keys:
            return
        found = self._find(keys)
        new = [key for key in keys if key not in found and key not in self._erased and not _is_uuid(key)]
        tz = self._tz or self._mapping.time_zone
        people = [
            Person(user_id_of(self._cohort, key), username_of(self._cohort, key), tz, self._cohort)
            for key in new
        ]
        with self._connection.transaction():
            ensure_people(self._connection, people, self._data_key)
        found |= {
            person_key: Whose(person.user_id, tz) for person_key, person in zip(new, people, strict=True)
        }
        self._known |= {key: found.get(key) for key in keys}

    def of(self, row: dict[str, Any]) -> Whose | None:
        """The person of a row that was met; None when nobody is called so."""
        key = self._key(row)
        return None if key is None else self._known[key]

    def stranger(self, row: dict[str, Any]) -> str:
        """Why nobody could be found for a row."""
        key = self._key(row)
        if key is None:
            return f"the row does not say whose it is ({self._mapping.user} is empty); or use --user"
        if key in self._erased:
            return f"{key} has been erased: nothing can be imported for them"
        return f"there is no person with the id {key}; name the person with --user"

    def person_key(self, user_id: UUID) -> bytes:
        """The person's own data key, for free text."""
        if user_id not in self._person_keys:
            row = self._connection.execute(
                "select data_key_ciphertext from app.users where user_id = %s", (user_id,)
            ).fetchone()
            if row is None:
                raise PersonMissingError(f"there is no person with the id {user_id}")
            self._person_keys[user_id] = unwrap(self._data_key, user_id, bytes(row[0]))
        return self._person_keys[user_id]

    def _key(self, row: dict[str, Any]) -> str | None:
        if self._user is not None:
            return self._user
        cell = row.get(self._mapping.user or "")
        text = "" if cell is None else str(cell).strip()
        return None if text in self._mapping.null_values else text

    def _find(self, keys: Iterable[str]) -> dict[str, Whose]:
        """Those who exist: by the id of the cohort's name for them, their own id, or (`--user`) username."""
        ids = {user_id_of(self._cohort, key): key for key in keys}
        ids |= {UUID(key): key for key in keys if _is_uuid(key)}
        rows = self._connection.execute(
            "select user_id, username, tz, deleted_at from app.users"
            " where user_id = any(%s) or username = %s",
            (list(ids), self._user),
        ).fetchall()
        found = {}
        for user_id, username, tz, deleted_at in rows:
            key: str = ids.get(user_id) or username
            if deleted_at is None:
                found[key] = Whose(user_id, self._tz or tz)
            else:
                self._erased.add(key)
        return found


def username_of(cohort: str, key: str) -> str:
    """The username of a person of a study cannot meet one that a real person chose."""
    return key if cohort == REAL else f"{cohort}:{key}"


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36
