"""The clients for tests: beside the same API as the tests of serving."""

from __future__ import annotations

from tests.serving.conftest import api_database, settings

__all__ = ["api_database", "settings"]
