"""Starting programs in order: each when all that it needs is ready, with the migration in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.errors import ServiceStartError, last_lines
from infra.installation import Installation
from infra.migration import prepare_database
from infra.programs import Program
from infra.readiness import is_ready
from infra.run_folder import read_note
from infra.supervisord import Supervisor

READY_SECONDS: Final = 300
"""MLflow builds its tables at the first start; on a busy machine that takes most of a minute."""
TRIES: Final = 3
"""A program that ended so often is not coming up."""

Report = Callable[[str, str], None]
"""Called with a name and what happened to it."""


def silent(name: str, event: str) -> None:
    """A report to nobody."""
    del name, event


@dataclass
class Start:
    """What one `aurora up` has done so far, so that it can be taken back."""

    here: Installation
    supervisor: Supervisor
    is_first: bool
    report: Report = silent
    started: list[str] = field(default_factory=list)
    ready: set[str] = field(default_factory=set)
    _began: dict[str, tuple[float, int]] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """Have the supervisor start a program, unless it runs already."""
        is_up = {process.name for process in self.supervisor.processes() if process.is_up}
        self._began[name] = time.monotonic(), read_note(self.here.run_dir, name).launches
        if name not in is_up:
            _prepare(self.here, name)
            self.supervisor.start([name])
            self.started.append(name)

    def has_begun(self, name: str) -> bool:
        return name in self._began

    def look_after(self, name: str, program: Program) -> None:
        """Note that a program is ready; ServiceStartError when it will not be."""
        began, launches = self._began[name]
        now_ready, reason = is_ready(program, self.here.run_dir)
        took = time.monotonic() - began
        if now_ready:
            self.ready.add(name)
            self.report(name, f"ready after {took:.1f} s" if name in self.started else "ran already")
            return
        ended = read_note(self.here.run_dir, name).launches - launches - 1
        if ended >= TRIES:
            raise self._failure(name, f"it ended {ended} times")
        if took > READY_SECONDS:
            raise self._failure(name, f"not ready after {READY_SECONDS} s: {reason}")

    def _failure(self, name: str, reason: str) -> ServiceStartError:
        log_file = self.here.log_dir / f"{name}.log"
        advice = f"mend what its log says ({log_file}), or ask `aurora doctor`; then `aurora up` again"
        return ServiceStartError(name, reason, last_lines(log_file), advice)


def start_in_order(start: Start, wanted: Mapping[str, Program]) -> None:
    """Start every program once its dependencies are ready, side by side where nothing forbids it."""
    is_migrated = not any(program.needs_database for program in wanted.values())
    while len(start.ready) < len(wanted):
        for name, program in wanted.items():
            may_start = start.ready.issuperset(program.depends_on) and (
                is_migrated or not program.needs_database or name == "postgres"
            )
            if may_start and not start.has_begun(name):
                start.begin(name)
            if start.has_begun(name) and name not in start.ready:
                start.look_after(name, program)
        if not is_migrated and ("postgres" in start.ready or start.here.postgres is None):
            prepare_database(start.here.owner_url, start.here.secret_key)
            start.report("database", "up to date")
            is_migrated = True
        time.sleep(0.1)


def _prepare(here: Installation, name: str) -> None:
    if name == "postgres" and here.postgres is not None:
        here.postgres.prepare()
    if name == "redis" and here.redis is not None:
        here.redis.prepare()
