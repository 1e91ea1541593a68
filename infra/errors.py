"""What can go wrong with services and processes, each in words and with what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aurora.errors import AuroraError


class PlatformUnsupportedError(AuroraError):
    """A program that AURORA needs is not there for this machine."""

    def __init__(self, program: str, advice: str) -> None:
        super().__init__(f"{program} is not available on this machine: {advice}")


class ServiceStartError(AuroraError):
    """A service or process did not come up; carries the end of its log."""

    def __init__(self, name: str, reason: str, log_lines: Sequence[str] = (), advice: str = "") -> None:
        said = "".join(f"\n    {line}" for line in log_lines)
        super().__init__(
            f"{name} did not start: {reason}"
            + (f"\n  the last lines of its log:{said}" if said else "")
            + (f"\n  what to do: {advice}" if advice else "")
        )
        self.name = name


class DataFolderError(AuroraError):
    """The data folder is not in a state that AURORA may touch."""

    def __init__(self, data_dir: Path, reason: str) -> None:
        super().__init__(f"data folder {data_dir}: {reason}")


class AlreadyRunningError(AuroraError):
    """Another `aurora up` or `down` is at work, or the running system was started otherwise."""


class UnknownProgramError(AuroraError):
    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no process {name!r} here; there are: {', '.join(known)}")


class PackagesNotInstalledError(AuroraError):
    """A virtualenv of a program of its own could not be made."""

    def __init__(self, purpose: str, said: str) -> None:
        super().__init__(f"the packages of {purpose} could not be installed: {said}")


class ToolsNotInstalledError(AuroraError):
    """npm could not install the tools for checks and tests."""

    def __init__(self, said: str) -> None:
        super().__init__(
            "the Node tools of clients/tools could not be installed; npm has to reach its registry "
            f"(once: they stay in .cache). It said:\n{said[-1000:]}"
        )


def last_lines(log_file: Path, count: int = 12) -> list[str]:
    """The end of a log, for an error message. Empty when there is no log yet."""
    if not log_file.exists():
        return []
    with log_file.open("rb") as log:
        log.seek(0, 2)
        log.seek(max(0, log.tell() - 16_384))
        return log.read().decode(errors="replace").splitlines()[-count:]
