"""One root secret, and every password and key derived from it."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit, urlunsplit


def derive(secret_key: str, purpose: str) -> str:
    """Key material for one purpose: 64 hex digits, HMAC-SHA256 of the purpose under the root secret.

    A process is given only what is derived for it, never the root secret itself.
    """
    return hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def role_password(secret_key: str, role: str) -> str:
    """The password of a Postgres role."""
    return derive(secret_key, f"postgres:{role}")


def role_url(owner_url: str, secret_key: str, role: str) -> str:
    """The address of the same database, for one of AURORA's roles."""
    parts = urlsplit(owner_url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{role_password(secret_key, role)}@{address}"))
