"""How long to wait before another try: longer each time, and never all clients at the same moment."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Pauses:
    """Seconds. Each pause is drawn evenly from 0 to first × 2 ^ tries, at most `longest`."""

    first: float = 0.5
    longest: float = 30.0

    def after(self, tries: int, at_least: float = 0.0) -> float:
        most = min(self.longest, self.first * 2 ** min(tries, 20))
        return at_least + random.uniform(0.0, most)  # noqa: S311  # nothing depends on it being secret
