"""Single predictions over HTTP: requests a second and delays of each server, under the same load."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from aurora.models.catalogue import ENERGY
from benchmarks.environments import MLSERVER, PackagesMissingError
from benchmarks.http_load import Load, get, hammer, request
from benchmarks.logged_in import Person, log_in_as
from benchmarks.prediction_servers import ANEW, KEPT, MLFLOW, MLSERVER_, aurora, mlflow, mlserver
from benchmarks.trained_people import TrainedPeople

PATH = "/api/v1/predictions/energy"
INVOCATIONS = "/invocations"


@dataclass(frozen=True)
class Contender:
    """A server, how to start it (for its port), and what each client asks of it."""

    name: str
    start: Callable[[], AbstractContextManager[int]]
    make: Callable[[int], bytes]


@dataclass(frozen=True)
class PredictionLoad:
    """All servers that could be had, and what is missing, in words."""

    contenders: tuple[Contender, ...]
    problems: tuple[str, ...]

    @classmethod
    def of(cls, people: TrainedPeople, cache: Path) -> PredictionLoad:
        """Log the people in whom the model answers, and find out what can be compared."""
        services, model = people.services, people.served_model(ENERGY)
        persons = log_in_as(services, [person.user_id for person in people.fill_redis()])
        with aurora(services, anew=False) as port:
            answered = [person for person in persons if _is_answered_by_the_model(port, person)]
        if not answered:
            raise RuntimeError("the model answers nobody: simulate more people (--people) or days (--days)")

        def ask_us(client: int) -> bytes:
            return get(PATH, token=answered[client % len(answered)].token)

        invocation = request(INVOCATIONS, _row(people).encode())
        contenders = [
            Contender(KEPT, lambda: aurora(services, anew=False), ask_us),
            Contender(ANEW, lambda: aurora(services, anew=True), ask_us),
            Contender(MLFLOW, lambda: mlflow(services, model), lambda _client: invocation),
        ]
        problems: list[str] = []
        try:
            MLSERVER.python(cache)
        except PackagesMissingError as error:
            problems.append(str(error))
        else:
            contenders.append(
                Contender(MLSERVER_, lambda: mlserver(services, model, cache), lambda _client: invocation)
            )
        return cls(tuple(contenders), tuple(problems))

    async def measure(self, clients: int, seconds: float) -> dict[str, Load]:
        """One round: each server by itself, warmed up, then so many seconds of load."""
        found: dict[str, Load] = {}
        for contender in self.contenders:
            with contender.start() as port:
                await hammer(port, clients, min(1.0, seconds), contender.make)
                load = await hammer(port, clients, seconds, contender.make)
                found[contender.name] = load.must_be(200)
        return found


def _is_answered_by_the_model(port: int, person: Person) -> bool:
    answer = httpx.get(
        f"http://127.0.0.1:{port}{PATH}", headers={"Authorization": f"Bearer {person.token}"}, timeout=30
    )
    body: dict[str, Any] = answer.raise_for_status().json()
    return body["model_source"] == "model"


def _row(people: TrainedPeople) -> str:
    """One moment as the scoring protocol of MLflow takes it; what is missing is left out."""
    asked = people.asked(ENERGY, 1)
    known = {
        name: float(value)
        for name, value in zip(asked.predictor.metadata.columns, asked.table[0], strict=True)
        if not math.isnan(value)
    }
    return json.dumps({"dataframe_split": {"columns": list(known), "data": [list(known.values())]}})
