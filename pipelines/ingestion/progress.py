"""Progress: what a long import tells whoever waits for it. The command line draws bars, a pipeline none."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told where an import stands: `read` counts bytes, the other stages count rows."""

    def begin(self, stage: str, total: int) -> None: ...

    def reach(self, done: int) -> None: ...


class Silence:
    """Nobody waits."""

    def begin(self, stage: str, total: int) -> None:
        pass

    def reach(self, done: int) -> None:
        pass
