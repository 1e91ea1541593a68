"""The secrets of webhooks at rest: rows of `app.webhook_secrets`, under the data key of the webhook's person."""

from __future__ import annotations

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID, uuid4

from aurora.events.ciphertext import seal_text
from serving.database import Connection
from serving.errors import TooManySecretsError
from serving.webhooks.signing import REPLACED_SECRET_KEPT, new_secret

MOST_VALID: Final = 5
"""At a time. The header of a delivery has a signature by each."""

_ADD: Final[LiteralString] = (
    "insert into app.webhook_secrets (secret_id, webhook_id, ciphertext, created_at) values (%s, %s, %s, %s)"
)
_COUNT: Final[LiteralString] = (
    "select count(*) from app.webhook_secrets where webhook_id = %s and (expires_at is null or expires_at > %s)"
)
_END: Final[LiteralString] = (
    "update app.webhook_secrets set expires_at = %s where webhook_id = %s and expires_at is null"
)


async def add_secret(connection: Connection, webhook_id: UUID, person_key: bytes, now: datetime) -> str:
    """A fresh secret of a webhook. Its ciphertext is bound to the webhook: no other can be signed for with it."""
    secret = new_secret()
    sealed = seal_text(person_key, webhook_id, secret)
    await connection.execute(_ADD, (uuid4(), webhook_id, sealed, now))
    return secret


async def replace_secret(
    connection: Connection, webhook_id: UUID, person_key: bytes, now: datetime
) -> tuple[str, datetime]:
    """A fresh secret, and until when the one before is valid; TooManySecretsError when there are too many of them.

    None is taken away early: whichever it is that receivers have in use.
    """
    row = await (await connection.execute(_COUNT, (webhook_id, now))).fetchone()
    if row is not None and row[0] >= MOST_VALID:
        raise TooManySecretsError(MOST_VALID)
    until = now + REPLACED_SECRET_KEPT
    await connection.execute(_END, (until, webhook_id))
    return await add_secret(connection, webhook_id, person_key, now), until
