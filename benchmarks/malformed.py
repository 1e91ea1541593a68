"""Malformed bodies for every route that takes one: how many break the API, and what they leave in its memory.

    python -m benchmarks.malformed                    # 100,000 bodies
    python -m benchmarks.malformed --bodies 10000

One worker of the API, as `aurora up` starts it, over a Postgres and a Redis of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator

import httpx
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.malformed_bodies import Malformed, malformed_bodies
from benchmarks.services import Services, services
from benchmarks.websocket_workers import Workers
from serving.description import openapi_json

CLIENTS = 16
MEBIBYTE = 2**20
MOST_GROWTH = 1.1
WITHOUT_LIMITS = {
    f"AURORA_API_{bucket}_PER_MINUTE": "100000000"
    for bucket in ("ANONYMOUS", "USER", "KEY", "LOGIN", "RESET", "AI")
} | {"AURORA_API_BCRYPT_COST": "4"}


async def send_all(
    client: httpx.AsyncClient, bodies: Iterator[Malformed], headers: dict[str, str]
) -> tuple[Counter[int], list[str]]:
    """The statuses of the answers, and what was answered by a server error or not at all."""
    statuses: Counter[int] = Counter()
    broken: list[str] = []

    async def send_some() -> None:
        for each in bodies:
            own = headers | ({"Content-Type": each.media_type} if each.media_type else {})
            encoded = {name.encode(): value.encode("latin-1") for name, value in own.items()}
            answer = await client.request(each.method, each.path, content=each.body, headers=encoded)
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                broken.append(f"{each.operation}: {answer.status_code} for {each.body[:200]!r}")

    await asyncio.gather(*(send_some() for _ in range(CLIENTS)))
    return statuses, broken


async def log_in(client: httpx.AsyncClient, here: Services) -> dict[str, str]:
    """An administrator with a password: nothing is refused before its body is looked at."""
    named = {"username": "malformed", "password": "a-sentence-that-is-not-guessed"}
    await client.post("/api/v1/auth/register", json=named)
    with psycopg.connect(here.postgres_url) as connection:
        connection.execute("update app.users set role = 'admin'")
    token = (await client.post("/api/v1/auth/login", json=named)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


async def measure(workers: Workers, count: int) -> bool:
    """Send them in tenths, and print what the process holds after each. Whether nothing broke, and it stayed flat."""
    bodies = malformed_bodies(json.loads(openapi_json()), count)
    console, table = Console(), Table("bodies", "server errors", "memory, MB")
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    held: list[int] = []
    with workers.running("serving", **WITHOUT_LIMITS) as process:
        await workers.until_ready()
        url = f"http://127.0.0.1:{workers.api_port}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            headers = await log_in(client, workers.services)
            for _ in range(10):
                some = iter([each for each, _ in zip(bodies, range(count // 10), strict=False)])
                found, failed = await send_all(client, some, headers)
                statuses += found
                broken += failed
                held.append(_memory(process))
                table.add_row(f"{statuses.total():,}", str(len(broken)), f"{held[-1] / MEBIBYTE:.1f}")
    console.print(table)
    console.print(
        "answers:", ", ".join(f"{status}: {number:,}" for status, number in sorted(statuses.items()))
    )
    for line in broken[:20]:
        console.print(line, markup=False)
    growth = held[-1] / held[0]
    console.print(f"memory after the last tenth ÷ after the first: {growth:.2f} (at most {MOST_GROWTH})")
    return not broken and growth <= MOST_GROWTH


def _memory(process: psutil.Process) -> int:
    """What the worker and what belongs to it hold, without what they share."""
    return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


def main() -> None:
    """Read what is asked for, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bodies", type=int, default=100_000)
    arguments = parser.parse_args()
    with services() as here:
        is_good = asyncio.run(measure(Workers(here), arguments.bodies))
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
