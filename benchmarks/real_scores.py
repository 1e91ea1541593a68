"""What the scores of real people have in common with what their devices and they themselves said of the same days.

.venv/bin/python -m benchmarks.real_scores    # the data sets lie in the folder AURORA_DATASETS

Within each person, Spearman's correlation over the days that have both; beside it the same after the days of one
side were moved by a random number of places, which is what no relation at all looks like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import psycopg
from scipy.stats import rankdata

from aurora.events.people import user_id_of
from aurora.settings import load_settings
from benchmarks.services import DATA_KEY, Services, services
from pipelines.ingestion.importer import ImportRequest, import_file
from pipelines.ingestion.mapping_files import load_mapping

MIN_DAYS = 14
UNKNOWN_AT_ZERO = frozenset(
    {
        "sleep_points_percentage",
        "exertion_points_percentage",
        "responsiveness_points_percentage",
        "stress_score",
        "steps",
    }
)
"""Columns in which Fitbit writes 0 where it could not say: all of its points are 0 on the same days, or none."""


@dataclass(frozen=True)
class Source:
    """One data set, and which of its columns say something that a score should follow."""

    mapping: str
    path: str
    user: str
    pairs: tuple[tuple[str, str, str], ...]
    """Score, column, what the column is."""


SOURCES = (
    Source(
        "lifesnaps",
        "lifesnaps/daily_fitbit_sema_df_unprocessed.csv",
        "id",
        (
            ("sleep", "sleep_points_percentage", "Fitbit's points for sleep"),
            ("activity", "exertion_points_percentage", "Fitbit's points for exertion balance"),
            ("activity", "steps", "steps of the same day"),
            ("recovery", "responsiveness_points_percentage", "Fitbit's points for responsiveness"),
            ("recovery", "stress_score", "Fitbit's stress management score (100 is best)"),
            ("recovery", "RESTED/RELAXED", "felt rested or relaxed (0/1)"),
            ("recovery", "TIRED", "felt tired (0/1): should fall"),
        ),
    ),
    Source(
        "soccermon",
        "soccermon/soccermon_daily.csv",
        "player_id",
        (
            ("sleep", "sleep_quality", "own rating of the night, 1–5"),
            ("sleep", "fatigue", "own rating of freshness, 1–5 (5 is best)"),
        ),
    ),
)


def main() -> None:
    folder = load_settings().datasets
    if folder is None:
        print("nothing to compare: set AURORA_DATASETS to the folder that holds lifesnaps/ and soccermon/")
        return
    with services() as running:
        for source in SOURCES:
            request = ImportRequest(folder / source.path, load_mapping(source.mapping))
            import_file(request, postgres_url=running.postgres_url, data_key=DATA_KEY)
        running.build()
        for source in SOURCES:
            _compare(running, source, pl.read_csv(folder / source.path, infer_schema_length=None))


def _compare(running: Services, source: Source, table: pl.DataFrame) -> None:
    scores = _scores(running, source.mapping)
    ids = {str(key): str(user_id_of(source.mapping, str(key))) for key in table[source.user].unique()}
    told = table.with_columns(
        pl.col(source.user).cast(pl.String).replace_strict(ids).alias("user_id"),
        pl.col("date").str.to_date().alias("local_date"),
    )
    print(f"\n{source.mapping}: of {len(ids)} people")
    print("score             scored days  beside                                                people"
          "  median [quartiles]    above 0  moved")  # fmt: skip
    for name, column, meaning in source.pairs:
        of_score = scores.filter(pl.col("score_name") == name)
        known = told.filter(pl.col(column) > 0) if column in UNKNOWN_AT_ZERO else told
        both = of_score.join(known.select("user_id", "local_date", column), on=["user_id", "local_date"])
        found = np.array(list(_correlations(both.drop_nulls(column), column)))
        if not len(found):
            print(f"{name:17} {len(of_score):11}  {meaning:52} {0:6}")
            continue
        own, moved = found[:, 0], found[:, 1]
        low, middle, high = np.quantile(own, [0.25, 0.5, 0.75])
        print(
            f"{name:17} {len(of_score):11}  {meaning:52} {len(own):6}  {middle:+.2f} [{low:+.2f}, {high:+.2f}]"
            f"  {np.mean(own > 0):6.0%}  {np.median(moved):+.2f}"
        )


def _scores(running: Services, cohort: str) -> pl.DataFrame:
    query = (
        "select scores.user_id::text, scores.local_date, scores.score_name, scores.score from marts.scores"
        " inner join marts.users using (user_id) where users.cohort = %s and scores.score_state = 'SCORED'"
    )
    with psycopg.connect(running.postgres_url) as connection:
        rows = connection.execute(query, (cohort,)).fetchall()
    return pl.DataFrame(rows, schema=["user_id", "local_date", "score_name", "score"], orient="row")


def _correlations(both: pl.DataFrame, column: str) -> Iterator[tuple[float, float]]:
    rng = np.random.default_rng(7)
    for _, days in both.sort("user_id", "local_date").group_by("user_id", maintain_order=True):
        score, told = days["score"].to_numpy(), days[column].cast(pl.Float64).to_numpy()
        if len(days) >= MIN_DAYS and np.ptp(score) > 0 and np.ptp(told) > 0:
            moved = np.roll(told, rng.integers(3, len(days) - 3))
            yield _spearman(score, told), _spearman(score, moved)


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


if __name__ == "__main__":
    main()
