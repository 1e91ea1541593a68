"""The analysts' dashboard: its queries, its charts, and the virtualenv of its own that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "requirements.lock"
APP: Final = HERE / "app.py"
