"""What it costs to hold the trees to directions that science gives: monotone constraints beside none.

.venv/bin/python -m benchmarks.directions --people 80 --days 90    # SoccerMon too, where AURORA_DATASETS is set

The same recipe is evaluated on the same held-out days without and with directions. The lift is that of the gate: per
person, with its 95 % interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

import psycopg

from aurora.models.catalogue import MODELS, ModelSpec
from aurora.models.folds import FoldPlan
from aurora.models.lift import user_lift
from aurora.settings import load_settings
from benchmarks.services import DATA_KEY, services
from pipelines.ingestion.importer import ImportRequest, import_file
from pipelines.ingestion.mapping_files import load_mapping
from pipelines.training.evaluation import evaluate
from pipelines.training.rows import TrainingRows, read_training_rows
from pipelines.training.training import cohorts_with_labels, plan_for

UP, DOWN = 1, -1
SLEEP: Final[Mapping[str, int]] = {
    "avg_sleep_last_7d": UP,
    "main_sleep_minutes_last_3d": UP,
    "sleep_efficiency_last_3d": UP,
}
"""More and better sleep, more energy and a better mood (Van Dongen et al., Sleep 26(2), 2003; Palmer et al.,
Psychological Bulletin 150(4), 2024)."""
OTHERS: Final[Mapping[str, int]] = {
    "energy_prior_three_process": UP,
    "caffeine_active_1d": UP,
    "alcohol_sum_2d": DOWN,
    "alcohol_sum_yesterday": DOWN,
}
"""Caffeine that still acts wakes; alcohol costs the day after. What late caffeine costs is sleep, which has columns."""

DIRECTIONS: Final[Mapping[str, Mapping[str, int]]] = {
    "none": {},
    "sleep": SLEEP,
    "all": {**SLEEP, **OTHERS},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=80)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    with services() as running:
        running.simulate(asked.people, asked.days, ends_on=date(2026, 11, 22))
        folder = load_settings().datasets
        if folder is not None:
            request = ImportRequest(folder / "soccermon/soccermon_daily.csv", load_mapping("soccermon"))
            import_file(request, postgres_url=running.postgres_url, data_key=DATA_KEY)
        running.build()
        with psycopg.connect(running.postgres_url) as connection:
            for cohort in cohorts_with_labels(connection):
                plan = plan_for("study" if cohort == "soccermon" else "simulated")
                for spec in MODELS.values():
                    _compare(read_training_rows(connection, spec, cohort), plan)


def _compare(rows: TrainingRows, plan: FoldPlan) -> None:
    free = evaluate(rows, plan)
    if free is None:
        print(f"\n{rows.cohort}, {rows.spec.name}: too little to judge")
        return
    print(f"\n{rows.cohort}, {rows.spec.name}: {len(free.number)} held-out ratings, loss by directions")
    before = free.loss("model")
    for name, directions in DIRECTIONS.items():
        held = evaluate(replace(rows, spec=_held_to(rows.spec, directions)), plan) if directions else free
        assert held is not None
        loss = held.loss("model")
        lift = user_lift(before, loss, held.users, seed=rows.spec.seed)
        print(
            f"{name:22}{loss.mean():9.4f}   lift {lift.mean:+.4f} ({lift.lower:+.4f} to {lift.upper:+.4f}), "
            f"{lift.relative:+.2%}"
        )


def _held_to(spec: ModelSpec, directions: Mapping[str, int]) -> ModelSpec:
    """The recipe with each column held to the direction of its feature, in the order of the design."""
    owners = [*spec.features, *(entry.feature for entry in spec.centred)]
    signs = tuple(directions.get(feature, 0) for feature in owners)
    return replace(spec, params={**spec.params, "monotone_constraints": signs})


if __name__ == "__main__":
    main()
