"""Chaos: kill each process and service again and again under load, and count what was lost and what came twice.

    python -m benchmarks.chaos [--kills 5] [--rate 50] [--seconds-between 5] [--seed 1]

People post events, corrections and deletions at a steady rate and send again what was not answered, with the same
event_id. Meanwhile an API worker, the relay with the Faust worker, Redis and the broker are killed (SIGKILL), and
Postgres is stopped at once, each `--kills` times. Afterwards: every acknowledged event has to be in the log as it was
sent, nothing may have been accepted or announced twice, every message must have had its effect, and the live vector
of each person must equal the one that the warehouse computes. Exit code 1 when it is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from aurora import clock
from benchmarks.chaos.run import report, run_chaos


def _tell(progress: Progress, task: TaskID, text: str) -> None:
    if progress.console.is_terminal:
        progress.update(task, description=text)
    else:
        progress.console.print(f"{clock.now():%H:%M:%S} {text}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.chaos", description="Kill everything under load")
    parser.add_argument("--kills", type=int, default=5, help="of each kind")
    parser.add_argument("--rate", type=float, default=50, help="posts a second")
    parser.add_argument("--seconds-between", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    # Ended from outside it still puts away what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=None)
        verdict = asyncio.run(
            run_chaos(
                kills=options.kills,
                rate=options.rate,
                seconds_between=options.seconds_between,
                seed=options.seed,
                tell=lambda text: _tell(progress, task, text),
            )
        )
    Console().print(report(verdict))
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
