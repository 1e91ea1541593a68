"""What a first model gains over the best baseline: of real people by seed, and where there is nothing to learn.

AURORA_DATASETS=… .venv/bin/python -m benchmarks.first_models --only "lifesnaps mood" --seeds 8 --nulls 40

A seed draws other rows and columns for each tree, and other people for the interval. Where there is nothing to learn,
features are those of the study and each label is drawn anew from the person's own baseline: no recipe can beat that, so
whatever wins there won by chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from aurora.models.catalogue import ENERGY, MOOD, ModelSpec
from aurora.models.design import ClassStart
from aurora.models.gate import LEAST_GAIN
from aurora.models.lift import Lift, user_lift
from aurora.models.metrics import Floats, Ints
from aurora.settings import load_settings
from pipelines.training.evaluation import evaluate
from pipelines.training.rows import TrainingRows
from pipelines.training.training import plan_for
from tests.pipelines.training.study_rows import study_rows

STUDIES: Final[tuple[tuple[str, str, ModelSpec], ...]] = (
    ("lifesnaps", "lifesnaps/daily_fitbit_sema_df_unprocessed.csv", MOOD),
    ("soccermon", "soccermon/soccermon_daily.csv", MOOD),
    ("soccermon", "soccermon/soccermon_daily.csv", ENERGY),
)

START: Final = ClassStart(spread=0.4)
"""What classes are drawn from where there is nothing to learn: one of the starts that a training tries."""
RULES: Final[dict[str, Callable[[Lift], bool]]] = {
    "lower bound above 0": lambda lift: lift.lower > 0,
    "gain of 1 %": lambda lift: lift.relative >= LEAST_GAIN,
    "lower bound above 0 and gain of 1 %": lambda lift: lift.lower > 0 and lift.relative >= LEAST_GAIN,
    "lower bound above 1 %": lambda lift: lift.relative_lower > LEAST_GAIN,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--nulls", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=["lifesnaps mood", "soccermon mood", "soccermon energy"])
    asked = parser.parse_args()
    folder = load_settings().datasets
    if folder is None:
        print("AURORA_DATASETS is not set: there is nobody to learn from")
        return
    for name, file, spec in STUDIES:
        if f"{name} {spec.name}" in asked.only:
            rows = study_rows(Path(folder, file), name, spec)
            _tell(f"{name} {spec.name}, by seed", map(_lift, _seeded(rows, asked.seeds)))
            _tell(f"{name} {spec.name}, nothing to learn", map(_lift, _nothing_to_learn(rows, asked.nulls)))


def _seeded(rows: TrainingRows, count: int) -> Iterator[TrainingRows]:
    for number in range(count):
        yield replace(rows, spec=replace(rows.spec, seed=rows.spec.seed + number))


def _nothing_to_learn(rows: TrainingRows, count: int) -> Iterator[TrainingRows]:
    for seeded in _seeded(rows, count):
        values = rows.values.copy()
        known = np.flatnonzero(~np.isnan(_baseline_columns(rows)).any(axis=1))
        values[known] = _drawn(rows, known, np.random.default_rng(seeded.spec.seed))
        yield replace(seeded, values=values)


def _drawn(rows: TrainingRows, known: Ints, rng: np.random.Generator) -> Floats:
    """Labels that follow the baseline, and nothing else."""
    spec = rows.spec
    if spec.kind == "regression":
        usual = _baseline_columns(rows)[known, 0]
        left = rows.values[known] - usual
        return usual + rng.permutation(left - np.median(left))
    level = rows.table[known, spec.columns.index(spec.level_column or "")]
    values = np.array(spec.class_values)
    shares = _baseline_columns(rows)[known]
    cumulated = START.of(level, values, shares, np.full(len(values), 1 / len(values))).cumsum(axis=1)
    drawn = (rng.uniform(size=(len(known), 1)) > cumulated[:, :-1]).sum(axis=1)
    return values[drawn]


def _baseline_columns(rows: TrainingRows) -> Floats:
    spec = rows.spec
    names = [*spec.baseline_columns, *([spec.level_column] if spec.level_column else [])]
    table = rows.table[:, [spec.columns.index(name) for name in names]]
    return table if spec.level_column is None else table[:, :-1] + 0 * table[:, -1:]


def _lift(rows: TrainingRows) -> Lift | None:
    """That of the gate while there is no champion."""
    held_out = evaluate(rows, plan_for("study"))
    if held_out is None:
        return None
    best = held_out.loss(held_out.best_baseline())
    return user_lift(best, held_out.loss("model"), held_out.users, seed=rows.spec.seed)


def _tell(title: str, lifts: Iterable[Lift | None]) -> None:
    print(f"\n{title}: lift in % of the best baseline's loss, and its 95 % interval", flush=True)
    seen: list[Lift] = []
    for lift in lifts:
        if lift is None:
            continue
        seen.append(lift)
        bounds = f"{lift.relative_lower:+.2%} to {lift.relative_upper:+.2%}"
        print(f"  {lift.relative:+.2%}   {bounds}   {lift.people} people, {lift.rows} ratings", flush=True)
    for name, rule in RULES.items():
        print(f"  {name}: {sum(map(rule, seen))} of {len(seen)} promoted", flush=True)


if __name__ == "__main__":
    main()
