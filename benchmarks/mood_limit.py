"""How much skill in mood what reaches the log allows at all: every cause learned from the simulator's own truth.

.venv/bin/python -m benchmarks.mood_limit --people 200 --days 120

A model of mood has ratings to learn from. This one is told, for each training row, how much every cause moved that
person (`truth.parquet`), and learns each of them apart from all features of the catalogue. What it then says of the
last four weeks is wrong by what the features do not say. From the same people's noisy ratings nothing can be expected
to learn more.
"""

from __future__ import annotations

import argparse
import io
from datetime import date

import lightgbm as lgb
import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from aurora.events.mood_classes import MOOD_CLASS_NAMES
from aurora.features.catalogue import FEATURES
from aurora.models.baselines import DAY_SECONDS, class_baselines
from aurora.models.design import class_numbers
from aurora.models.metrics import class_metrics
from benchmarks.services import services
from pipelines.ingestion.simulator.ceiling import ceiling_of
from pipelines.ingestion.simulator.ratings import VALENCE, class_probabilities

JUDGED_DAYS = 28
LEVEL = ("mood_by_drift", "state_valence_mean")
"""Whose mood it is: what a person's own ratings tell, and no event."""
ROUNDS = 250
PARAMS = {
    "objective": "regression",
    "learning_rate": 0.06,
    "num_leaves": 24,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "verbose": -1,
    "seed": 1,
}
DRIFT_DAYS, DRIFT_SD = 90.0, 0.04  # docs/simulator.md: valence drifts by so much, with this time constant
RATINGS_A_DAY = 3.0

_READ = """
    copy (
        select
            user_id,
            label_event_id,
            value,
            extract(epoch from as_of)::float8 as as_of,
            extract(epoch from known_at)::float8 as known_at,
            {features}
        from intermediate.int_labels
        inner join features.moment_features using (user_id, local_date, as_of, precision)
        where target = 'mood'
        order by user_id, as_of, label_event_id
    ) to stdout (format csv, header)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=120)
    asked = parser.parse_args()
    with services() as running:
        running.simulate(asked.people, asked.days, ends_on=date(2026, 11, 22))
        running.build()
        rows, truth = rows_and_truth(running.postgres_url)
    _judge(rows, truth)


def rows_and_truth(postgres_url: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Mood labels with every feature, and what was true at the same moments, row for row."""
    query = sql.SQL(_READ).format(features=sql.SQL(", ").join(map(sql.Identifier, FEATURES)))
    body = io.BytesIO()
    with psycopg.connect(postgres_url) as connection, connection.cursor() as cursor:
        path = cursor.execute("select truth_path from raw.simulations").fetchone()
        assert path is not None
        with cursor.copy(query) as copy:
            for chunk in copy:
                body.write(chunk)
    labels = pl.read_csv(body.getvalue(), infer_schema_length=None)
    truth = labels.select("label_event_id").join(
        pl.read_parquet(path[0]), left_on="label_event_id", right_on="mood_event_id", maintain_order="left"
    )
    kept = labels.filter(pl.col("label_event_id").is_in(truth["label_event_id"].implode()))
    return kept, truth.with_columns(pl.col("label_event_id").alias("mood_event_id"))


def _judge(rows: pl.DataFrame, truth: pl.DataFrame) -> None:
    as_of = rows["as_of"].to_numpy().astype(np.float64)
    judged = as_of > as_of.max() - JUDGED_DAYS * DAY_SECONDS
    design = rows.select(list(FEATURES)).cast(pl.Float64).to_numpy()
    causes = [name for name in truth.columns if name.startswith("mood_by_")] + ["state_valence_mean"]
    unseen = {name: _unseen(design, truth[name].to_numpy(), judged) for name in causes}
    print("cause             moves mood by (SD)   not seen (RMS)   share of all that is not seen")
    total = sum(float(np.mean(error**2)) for error in unseen.values())
    for name, error in sorted(unseen.items(), key=lambda item: -np.mean(item[1] ** 2)):
        moved, share = truth[name].to_numpy()[judged].std(), np.mean(error**2) / total
        print(
            f"{name.removeprefix('mood_by_'):17} {moved:18.3f} {np.sqrt(np.mean(error**2)):16.3f} {share:10.0%}"
        )
    users = np.unique(rows["user_id"].to_numpy().astype(str), return_inverse=True)[1]
    _print_skills(rows, truth, users.astype(np.int64), judged, unseen)


def _unseen(design: np.ndarray, cause: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """What of a cause the features do not say, on the judged rows."""
    learned = lgb.train(PARAMS, lgb.Dataset(design[~judged], cause[~judged]), ROUNDS)
    return cause[judged] - np.asarray(learned.predict(design[judged]))


def _print_skills(
    rows: pl.DataFrame,
    truth: pl.DataFrame,
    users: np.ndarray,
    judged: np.ndarray,
    unseen: dict[str, np.ndarray],
) -> None:
    classes = class_numbers(rows["value"].to_numpy().astype(np.float64))
    majority = class_baselines(
        classes=classes,
        count=len(MOOD_CLASS_NAMES),
        majority=int(np.bincount(classes[~judged]).argmax()),
        users=users,
        as_of=rows["as_of"].to_numpy().astype(np.float64),
        known_at=rows["known_at"].to_numpy().astype(np.float64),
        rows=np.flatnonzero(judged),
    )["user_majority"]
    base = class_metrics(classes[judged], majority)
    ceiling = ceiling_of(truth.filter(judged)).as_record()["attainable"]
    state = truth["valence_state"].to_numpy()[judged]
    events = sum(error for name, error in unseen.items() if name not in LEVEL)
    level = _best_level_error() * np.random.default_rng(7).normal(size=users.max() + 1)[users[judged]]
    print(
        f"\n{judged.sum()} ratings; skill = (baseline − answer) ÷ (baseline − ceiling), beside the user's majority"
    )
    for what, error in (
        ("the true state", 0.0 * state),
        ("the level of each person as well as ratings can tell it, all else true", level),
        ("the level true, each cause as well as the features tell it", events),
        ("both", level + events),
    ):
        found = class_metrics(classes[judged], class_probabilities(state - error))
        skills = [
            (found[ours] - base[ours]) / (ceiling[theirs] - base[ours])
            for ours, theirs in (("accuracy", "mood_accuracy"), ("macro_f1", "mood_macro_f1"))
        ]
        print(f"{what:72} accuracy {skills[0]:.3f}  macro-F1 {skills[1]:.3f}")


def _best_level_error() -> float:
    """Standard deviation of the steady state of a Kalman filter that sees every rating of a drifting level."""
    step = 2 * DRIFT_SD**2 / DRIFT_DAYS
    return float((step * VALENCE.noise_sd**2 / RATINGS_A_DAY) ** 0.25)


if __name__ == "__main__":
    main()
