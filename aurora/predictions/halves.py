"""Models of halves of the people, beside the booster of a predictor: only a what-if asks them.

They are several times as large as the booster. A process that never answers a what-if keeps them packed, as they
came; one that does loads them with the first.
"""

from __future__ import annotations

from threading import Lock

from aurora.models.boosters import booster_of
from aurora.models.boosting import Booster
from aurora.models.catalogue import Kind
from aurora.predictions.artifact import ArtifactDamagedError, unpack_halves


class Halves:
    """The halves in an artifact, loaded when they are first asked for. Any thread may ask."""

    def __init__(self, artifact: bytes, kind: Kind, threads: int = 1) -> None:
        self._artifact = artifact
        self._kind: Kind = kind
        self._threads = threads
        self._lock = Lock()
        self._loaded: tuple[Booster, ...] | None = None

    def load(self) -> tuple[Booster, ...]:
        """The boosters; ArtifactDamagedError when one does not load."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._read()
                self._artifact = b""
            return self._loaded

    def _read(self) -> tuple[Booster, ...]:
        kind = booster_of(self._kind)
        try:
            return tuple(kind.from_bytes(body, self._threads) for body in unpack_halves(self._artifact))
        except ArtifactDamagedError:
            raise
        except Exception as error:  # the two libraries share no error type for a damaged model
            raise ArtifactDamagedError(f"a booster of half of the people does not load: {error}") from error
