"""Secrets of webhooks, and the headers that a delivery is signed with (Standard Webhooks, `v1`)."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook as Signer

PREFIX: Final = "whsec_"
REPLACED_SECRET_KEPT: Final = timedelta(hours=24)
"""So long after a rotation deliveries are signed with both: receivers change over whenever it suits them."""

_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """As receivers are given it."""
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def signed_headers(delivery_id: UUID, at: datetime, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """The id is the same at each attempt; the time is the attempt's own, so that none can be repeated by others."""
    signatures = [Signer(secret).sign(str(delivery_id), at, body) for secret in secrets]
    return {
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
