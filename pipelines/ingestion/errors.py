"""Why an import cannot go on, in words. Each of these ends one file; none of them loses anything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from aurora.errors import AuroraError


class IngestionError(AuroraError):
    """Base of what can be wrong with an import as a whole."""


class FileUnusableError(IngestionError):
    """The file is not what the mapping reads: nothing of it was stored."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.reason = reason


class ColumnMissingError(FileUnusableError):
    """The mapping reads columns that the file does not have."""

    def __init__(self, path: Path, mapping: str, missing: Sequence[str], columns: Sequence[str]) -> None:
        named = ", ".join(f"{name!r}{_suggestion(name, columns)}" for name in missing)
        super().__init__(
            path,
            f"the mapping {mapping!r} reads {'columns' if len(missing) > 1 else 'a column'} that this file "
            f"does not have: {named}. The file's columns: {', '.join(columns)}",
        )
        self.missing = tuple(missing)


class MappingUnknownError(IngestionError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__(
            f"there is no mapping {name!r}{_suggestion(name, names)}. Known: {', '.join(names)}; "
            "or give the path of your own .yaml"
        )


class MappingInvalidError(IngestionError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"the mapping {name} cannot be used: {reason}")


class PersonMissingError(IngestionError):
    """Rows that name nobody, and no `--user` that says whose they are."""


class ImportRunningError(IngestionError):
    def __init__(self, file_name: str) -> None:
        super().__init__(f"{file_name} is being imported by another process; wait until it has finished")


def _suggestion(name: str, known: Sequence[str]) -> str:
    folded = {candidate.casefold().replace(" ", "_"): candidate for candidate in known}
    close = get_close_matches(name.casefold().replace(" ", "_"), folded, n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
