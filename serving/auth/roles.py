"""Roles: what somebody is to AURORA. What each may do is in `serving.auth.scopes`."""

from __future__ import annotations

from typing import Literal

Role = Literal["user", "analyst", "operator", "admin"]
