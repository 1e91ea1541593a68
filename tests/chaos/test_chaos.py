"""Chaos in its short form: each process and service killed once under load. `make chaos` is the long one."""

from __future__ import annotations

import pytest
from rich.console import Console

from benchmarks.chaos.run import report, run_chaos

pytestmark = pytest.mark.slow


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice() -> None:
    console = Console(width=110)
    verdict = await run_chaos(kills=1, rate=50, seconds_between=3, seed=1, people=6, tell=console.print)
    console.print(report(verdict))

    assert verdict.faults == dict.fromkeys(verdict.faults, 0)
    assert set(verdict.kills.values()) == {1}
    assert int(verdict.figures["events acknowledged"]) > 300
