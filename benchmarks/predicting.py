"""How fast models answer and learn, as ratios to what one would do without AURORA.

    python -m benchmarks.predicting [--only trees|rows|reasons|http|training] [--rounds 5] [--rows 200000]

Simulated people in private services, whose models are trained, registered and published as every night. Each figure
is measured in several rounds, both sides of a ratio in turn in each round; printed are the median and the range.

- trees: the score of one row by the trees as arrays, beside one call of their library.
- rows: one row in process. Ours: a packed vector by one Redis GET, the answer of `Predictor.predict` with its
  interval, without reasons. Theirs: the ready columns by one GET, ONNX Runtime with the same trees. Beside it the
  whole of what the API computes for a person, whose vector is made of their tiles at that moment.
- reasons: exact TreeSHAP of one row (`Predictor.explain`), and `predict` with reasons.
- http: `GET /api/v1/predictions/energy`, authenticated, rate limited, logged, against `mlflow models serve` and
  MLServer with the same registered model and one row a request. Once with the answer that the streams keep in Redis,
  and once answered anew each time, with reasons and a row in Postgres.
- training: rows read from Postgres and fitted (a refit, by choices made before) against bare `xgb.train` and
  `lgb.train` on arrays in memory, for mood with LightGBM's own squared loss, and beside it with ours, which LightGBM
  asks for each tree.

ONNX Runtime and MLServer get virtualenvs of their own in `--cache`. Where one cannot be had, its part says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from aurora.models.catalogue import MODELS
from benchmarks.environments import CACHE, PackagesMissingError
from benchmarks.predicting_rows import FromTiles, OneRow, OnnxRows, Trees, one_rows
from benchmarks.prediction_load import PredictionLoad
from benchmarks.prediction_servers import ANEW, KEPT, MLFLOW, MLSERVER_
from benchmarks.services import services
from benchmarks.trained_people import TrainedPeople
from benchmarks.training_rows import Training, chosen, multiply

AIMS: Final = {
    "energy: predict / ONNX Runtime": "≤ 2",
    "mood: predict / ONNX Runtime": "≤ 2",
    "energy: explain, ms": "≤ 5",
    "energy: predict with reasons, ms": "≤ 5",
    "mood: explain, ms": "≤ 5",
    "mood: predict with reasons, ms": "≤ 5",
    f"{KEPT} / {MLFLOW}": "20, at least 12",
    f"{ANEW} / {MLFLOW}": "20, at least 12",
    f"{KEPT} / {MLSERVER_}": "3, at least 2",
    f"{ANEW} / {MLSERVER_}": "3, at least 2",
    "energy: our training / bare": "≤ 1.3",
    "mood: our training / bare": "≤ 1.3",
}

console = Console(stderr=True, highlight=False)


@dataclass
class Figures:
    """What each round found, by the name of the figure, in the order of the first round."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.found.setdefault(name, []).append(value)

    def print(self) -> None:
        table = Table("figure", "median", "range", "rounds", "aim")
        for name, values in self.found.items():
            spread = f"{_told(min(values))} – {_told(max(values))}"
            table.add_row(
                name, _told(statistics.median(values)), spread, str(len(values)), AIMS.get(name, "")
            )
        Console(highlight=False).print(table)


def _told(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def measure_trees(people: TrainedPeople, options: argparse.Namespace, figures: Figures) -> None:
    trees = {name: Trees(people, name, row.asked) for name, row in one_rows(people, options.calls).items()}
    for number in range(options.rounds + 1):
        for name, each in trees.items():
            ours, theirs = each.as_arrays(), each.by_library()
            if number > 0:
                figures.add(f"{name}: trees as arrays / by their library", ours / theirs)
                figures.add(f"{name}: trees as arrays, ms", ours * 1000)


def measure_rows(people: TrainedPeople, options: argparse.Namespace, figures: Figures) -> None:
    everybody, rows = people.fill_redis(), one_rows(people, options.calls)
    whole = {name: FromTiles(row.asked, everybody, people.services.redis_url) for name, row in rows.items()}
    with OnnxRows.running(people, rows, options.cache) as onnx:
        for name, farthest in onnx.farthest.items():
            same = "equal to 1e-4" if farthest <= 1e-4 else "NOT equal to 1e-4"
            console.print(
                f"  {name}: ONNX Runtime and the native trees differ by {farthest:.1e} at most: {same}"
            )
        for number in range(options.rounds + 1):
            for name, row in rows.items():
                ours = row.predicting() / row.count
                theirs = onnx.predicting(name) / row.count
                entirely = whole[name].predicting() / whole[name].count
                if number == 0:
                    continue  # the first round warms all of them up
                figures.add(f"{name}: predict / ONNX Runtime", ours / theirs)
                figures.add(f"{name}: vector of tiles and predict / ONNX Runtime", entirely / theirs)
                figures.add(f"{name}: predict, ms", ours * 1000)
                figures.add(f"{name}: ONNX Runtime, ms", theirs * 1000)


def measure_reasons(people: TrainedPeople, options: argparse.Namespace, figures: Figures) -> None:
    for number in range(options.rounds + 1):
        for name, row in one_rows(people, options.calls).items():
            _measure_reasons(name, row, figures, is_warm=number > 0)


def _measure_reasons(name: str, row: OneRow, figures: Figures, *, is_warm: bool) -> None:
    plain, explained, reasoned = (
        measured() / row.count for measured in (row.predicting, row.explaining, row.predicting_with_reasons)
    )
    if is_warm:
        figures.add(f"{name}: explain, ms", explained * 1000)
        figures.add(f"{name}: predict with reasons, ms", reasoned * 1000)
        figures.add(f"{name}: predict with reasons / without", reasoned / plain)


def measure_http(people: TrainedPeople, options: argparse.Namespace, figures: Figures) -> None:
    asked = PredictionLoad.of(people, options.cache)
    for problem in asked.problems:
        console.print(f"  left out: {problem}")
    for number in range(options.rounds):
        loads = asyncio.run(asked.measure(options.clients, options.seconds))
        for name, load in loads.items():
            figures.add(f"{name}: requests/s", load.per_second)
            figures.add(f"{name}: p99, ms", load.delay(0.99) * 1000)
        for ours in (KEPT, ANEW):
            for theirs in (MLFLOW, MLSERVER_):
                if theirs in loads:
                    figures.add(f"{ours} / {theirs}", loads[ours].per_second / loads[theirs].per_second)
        console.print(f"  round {number + 1} of {options.rounds}")


def measure_training(people: TrainedPeople, options: argparse.Namespace, figures: Figures) -> None:
    url = people.services.postgres_url
    choices = {name: chosen(url, spec) for name, spec in MODELS.items()}
    for spec in MODELS.values():
        multiply(url, spec, options.rows)
    trainings = {name: Training.prepared(url, spec, choices[name]) for name, spec in MODELS.items()}
    for _ in range(options.rounds):
        for name, training in trainings.items():
            timed = training.measure()
            console.print(
                f"  {name}: {timed.rows:,} rows, {training.rounds} trees: read {timed.reading:.1f} s,"
                f" fitted {timed.fitting:.1f} s; bare {timed.bare:.1f} s"
            )
            figures.add(f"{name}: our training / bare", timed.ours / timed.bare)
            figures.add(f"{name}: our reading alone / bare", timed.reading / timed.bare)
            if timed.bare_with_our_loss is not None:
                figures.add(
                    f"{name}: our training / bare with our loss", timed.ours / timed.bare_with_our_loss
                )


Part = Callable[[TrainedPeople, argparse.Namespace, Figures], None]
# Training is the last: it copies people, and the others ask those who were simulated.
PARTS: Final[dict[str, Part]] = {
    "trees": measure_trees,
    "rows": measure_rows,
    "reasons": measure_reasons,
    "http": measure_http,
    "training": measure_training,
}


def measure(options: argparse.Namespace) -> Figures:
    """The parts that were asked for, one after the other, in one set of services."""
    figures, wanted = Figures(), [options.only] if options.only else list(PARTS)
    with services() as here:
        here.simulate(options.people, options.days)
        here.build()
        people = TrainedPeople(here)
        if wanted != ["training"]:
            for spec in MODELS.values():
                people.train(spec)
        for name in wanted:
            console.print(name)
            try:
                PARTS[name](people, options, figures)
            except PackagesMissingError as error:
                console.print(f"  left out: {error}")
    return figures


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.predicting", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=tuple(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--calls", type=int, default=300, help="single rows of a model and round")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load on each server and round")
    parser.add_argument("--clients", type=int, default=16, help="connections that ask at the same time")
    parser.add_argument("--rows", type=int, default=200_000, help="to train on, at least")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where virtualenvs of others are kept")
    parser.add_argument("--json", type=Path, help="write what every round found to this file as well")
    options = parser.parse_args(arguments)
    # MLflow draws a bar for every model that is registered or fetched.
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    figures = measure(options)
    figures.print()
    console.print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end")
    if options.json is not None:
        options.json.write_text(json.dumps(figures.found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
