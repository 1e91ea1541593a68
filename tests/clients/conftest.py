"""The clients for tests: the Python client from its own folder, beside a real API."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.serving.conftest import api_database, settings  # noqa: F401  # the same API

CLIENTS = Path(__file__).parents[2] / "clients"
# The client is a package of its own, which AURORA does not install.
sys.path.insert(0, str(CLIENTS / "python"))
