"""The run folder: what running processes tell one another through files.

- `programs.json`: the table of programs, resolved, with their environments; written by `aurora up`
- `settings.json`: the settings of commands that a person types, with the broker's address of the moment
- `<name>.process.json`: when a program was started and how far it has come

Kept free of heavy imports: each program is launched through this.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Phase = Literal["backing off", "waiting", "running"]


@dataclass
class ProcessNote:
    """What a program's launcher notes down about it."""

    pid: int = 0
    created_at: float = 0.0
    phase: Phase = "waiting"
    waits_for: str = ""
    started_at: list[float] = field(default_factory=list)
    """When it was launched since `aurora up`, the last twenty times."""
    launches: int = 0


def write_privately(file: Path, content: str) -> None:
    """Replace `file` in one step; nobody else may read it."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(content)
    unfinished.rename(file)


def read_json(file: Path) -> dict[str, Any]:
    """The content of a file of the run folder; empty when there is none."""
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}


def note_file(run_dir: Path, name: str) -> Path:
    return run_dir / f"{name}.process.json"


def read_note(run_dir: Path, name: str) -> ProcessNote:
    return ProcessNote(**read_json(note_file(run_dir, name)))


def write_note(run_dir: Path, name: str, note: ProcessNote) -> None:
    write_privately(note_file(run_dir, name), json.dumps(asdict(note)))


def publish_broker(run_dir: Path, address: str) -> None:
    """Tell everybody the broker's address of the moment; an empty one says that there is none."""
    file = run_dir / "settings.json"
    write_privately(file, json.dumps({**read_json(file), "kafka_bootstrap": address}, indent=2))


def broker_address(run_dir: Path) -> str:
    return str(read_json(run_dir / "settings.json").get("kafka_bootstrap", ""))


def back_off_seconds(started_at: list[float], now: float | None = None) -> float:
    """How long to wait before the next start: nothing for two within a minute, then 1, 2, 4 … 30 s."""
    now = time.time() if now is None else now
    recent = sum(1 for moment in started_at if now - moment < 60)
    return 0.0 if recent < 2 else min(2.0 ** (recent - 2), 30.0)


def clear_notes(run_dir: Path) -> None:
    """Forget the processes of the run before."""
    for file in run_dir.glob("*.process.json"):
        file.unlink(missing_ok=True)
