"""One root secret, and every password and key derived from it."""

from __future__ import annotations

import hashlib
import hmac


def derive(secret_key: str, purpose: str) -> str:
    """Key material for one purpose: 64 hex digits, HMAC-SHA256 of the purpose under the root secret.

    A process is given only what is derived for it, never the root secret itself.
    """
    return hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def role_password(secret_key: str, role: str) -> str:
    """The password of a Postgres role."""
    return derive(secret_key, f"postgres:{role}")
