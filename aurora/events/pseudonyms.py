"""Who is who for analysts: a key for each person that says nothing of them, and that only the pipelines can look up.

It is a keyed hash of the person's id: the same in every build, another under another key, and with nothing in it to
guess an id by. An id of an event or a prediction stands beside its person in logs and in apps: analysts see a hash of
it too, salted for each person.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from uuid import UUID

import psycopg

from aurora.secrets import derive


def person_key_of(key: str, user_id: UUID) -> UUID:
    """The key by which analysts know a person: 122 bits of HMAC-SHA256, written as a UUID of version 8 (hashes)."""
    digest = hmac.new(bytes.fromhex(derive(key, "person keys")), user_id.bytes, hashlib.sha256).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def keep_pseudonyms(connection: psycopg.Connection[Any], key: str) -> int:
    """Give everybody who has none a pseudonym, take away those of people who left; how many were given.

    Under another key than before everybody gets a new one, which cannot be joined with the old.
    """
    connection.execute(
        "delete from app.pseudonyms as pseudonyms using app.users as users"
        " where pseudonyms.user_id = users.user_id and users.deleted_at is not null"
    )
    made_with = derive(key, "name of this key")[:16]
    people = connection.execute(
        "select users.user_id from app.users as users"
        " left join app.pseudonyms as pseudonyms"
        " on users.user_id = pseudonyms.user_id and pseudonyms.made_with = %s"
        " where pseudonyms.user_id is null and users.deleted_at is null",
        (made_with,),
    ).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into app.pseudonyms (user_id, person_key, record_salt, made_with) values (%s, %s, %s, %s)"
            " on conflict (user_id) do update set person_key = excluded.person_key,"
            " record_salt = excluded.record_salt, made_with = excluded.made_with",
            [
                (user_id, person_key_of(key, user_id), _record_salt(key, user_id), made_with)
                for (user_id,) in people
            ],
        )
    return len(people)


def _record_salt(key: str, user_id: UUID) -> bytes:
    return hmac.new(bytes.fromhex(derive(key, "record salts")), user_id.bytes, hashlib.sha256).digest()
