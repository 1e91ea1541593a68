"""Whether others say the same features as AURORA, at moments that nothing late and nothing corrected disturbs."""

from __future__ import annotations

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import psycopg
import pyarrow as pa

from aurora.features.catalogue import FEATURE_SETS, vector_names

NAMES = tuple(dict.fromkeys(name for feature_set in FEATURE_SETS for name in vector_names(feature_set)))
"""Every feature of both sets, once."""

TOLERANCE = 1e-9

# Of earlier days something became known only after the moment, or what it knew was replaced later.
_DISTURBED = """
    select row_number() over (order by user_id, as_of, precision, local_date) as moment, exists (
        select from intermediate.int_measurements as measured
        where
            measured.user_id = moments.user_id
            and measured.local_date between moments.local_date - 28 and moments.local_date
            and (
                (measured.alive_from > moments.as_of and measured.local_date < moments.local_date)
                or (measured.alive_until > moments.as_of and measured.alive_until < 'infinity')
            )
    ) as is_disturbed
    from intermediate.int_moments as moments
    order by moment
"""


def compare(connection: psycopg.Connection, url: str, told: dict[str, pa.Table]) -> None:
    """Print how many values of each of the others differ from those in `features.moment_features`."""
    ours = read(url, _vectors())
    disturbed = np.array([row[1] for row in connection.execute(_DISTURBED.encode()).fetchall()])
    print(f"{int((~disturbed).sum()):,} of {len(disturbed):,} moments that nothing disturbs:")
    for other, features in told.items():
        compared, differing = _differing(ours, features.sort_by("moment"), ~disturbed)
        print(f"  {other}: {differing:,} of {compared:,} values differ from AURORA's")


def _differing(ours: pa.Table, theirs: pa.Table, undisturbed: np.ndarray) -> tuple[int, int]:
    """How many values were compared, and how many of them differ."""
    compared = differing = 0
    for name in NAMES:
        our = ours[name].to_numpy()[undisturbed].astype(float)
        their = theirs[name].to_numpy()[undisturbed].astype(float)
        same = np.isclose(our, their, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        compared += len(same)
        differing += int((~same).sum())
        if not same.all():
            print(f"  {name}: {int((~same).sum())} differ, e.g. {our[~same][0]} and {their[~same][0]}")
    return compared, differing


def _vectors() -> str:
    columns = ", ".join(f"{name}::float8 as {name}" for name in NAMES)
    return (
        f"select {columns} from features.moment_features"  # noqa: S608  # of the catalogue
        " order by user_id, as_of, precision, local_date"
    )


def read(url: str, query: str) -> pa.Table:
    """The rows of a query, over Arrow."""
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetch_arrow_table()
