"""The shipped mappings on the data sets that they were written for; figures are those of each SOURCE.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.ingestion.summary import ImportSummary
from tests.pipelines.ingestion.imports import rows_of, run_import, value_of

pytestmark = pytest.mark.datasets


def types_of(url: str) -> dict[str, int]:
    return dict(rows_of(url, "select type, count(*) from raw.events group by type"))


def assert_accounted_for(summary: ImportSummary) -> None:
    assert summary.state == "done"
    assert summary.rows_are_accounted_for
    assert summary.rejected == 0


def test_soccermon_becomes_events_to_the_last_report(committed_database: str, datasets: Path) -> None:
    path = datasets / "soccermon" / "soccermon_daily.csv"

    summary = run_import(committed_database, path, "soccermon")

    assert_accounted_for(summary)
    assert (summary.rows, summary.rows_with_events, summary.rows_empty) == (19_737, 12_193, 7_544)
    assert summary.people == 27
    types = types_of(committed_database)
    # 11,026 reports answer how the mood is; three more leave that one out.
    assert types["mood.rated"] == 11_026
    assert types["exercise.recorded"] == 9_599
    forms = value_of(
        committed_database,
        "select count(distinct (user_id, form_id)) from raw.events where form_id is not null",
    )
    assert forms == 11_029

    again = run_import(committed_database, path, "soccermon")

    assert dict(+again.outcomes) == {"duplicate": summary.outcomes["accepted"]}
    assert types_of(committed_database) == types

    # Five is best for every item of the source: most relaxed is least stressed.
    calm, tense = rows_of(
        committed_database,
        """
        select (stress.payload ->> 'stress')::float
        from raw.events as stress
        inner join raw.import_rows as import_rows
            on stress.local_date = (import_rows.body ->> 'date')::date
        inner join app.users as users
            on stress.user_id = users.user_id
            and users.username = 'soccermon:' || (import_rows.body ->> 'player_id')
        where stress.type = 'stress.rated' and import_rows.body ->> 'stress' in ('5.0', '1.0')
        group by import_rows.body ->> 'stress', stress.payload ->> 'stress'
        order by import_rows.body ->> 'stress' desc
        """,
    )
    assert (calm, tense) == ((0.0,), (10.0,))
    lags = dict(
        rows_of(
            committed_database,
            "select type, max(known_at - started_at) from raw.events"
            " where local_date = '2021-06-01' group by type",
        )
    )
    assert lags["energy.rated"].total_seconds() == 8 * 3600
    assert lags["exercise.recorded"].total_seconds() == 24 * 3600


def test_lifesnaps_becomes_events_without_values_that_were_never_measured(
    committed_database: str, datasets: Path
) -> None:
    path = datasets / "lifesnaps" / "daily_fitbit_sema_df_unprocessed.csv"

    summary = run_import(committed_database, path, "lifesnaps")

    assert_accounted_for(summary)
    assert (summary.rows, summary.people) == (7_410, 71)
    types = types_of(committed_database)
    assert types["mood.rated"] == 2_290  # days on which at least one state is 1
    assert types["heart_rate.measured"] == 4_422
    smallest = rows_of(
        committed_database,
        "select min((payload ->> 'asleep_minutes')::float), min((payload ->> 'steps')::int),"
        " min((payload ->> 'rmssd_ms')::float) from raw.events",
    )[0]
    assert all(value > 0 for value in smallest)
    valences = rows_of(
        committed_database,
        "select distinct (payload ->> 'valence')::float from raw.events"
        " where type = 'mood.rated' and jsonb_array_length(payload -> 'labels') = 1 order by 1",
    )
    assert valences == [(-1.0,), (-0.5,), (0.0,), (0.5,), (1.0,)]


@pytest.mark.parametrize(
    "copy",
    [
        "sleepDay_merged.csv",
        "with_title_line/sleepDay_merged.csv",
        "excel_mangled/sleepDay_merged_excel_iso.csv",
    ],
)
def test_fitabase_sleep_is_read_as_exported_titled_or_mangled(
    committed_database: str, datasets: Path, copy: str
) -> None:
    summary = run_import(committed_database, datasets / "fitabase_fitbit" / copy, "fitabase_sleep")

    assert_accounted_for(summary)
    assert (summary.rows, summary.people) == (413, 24)
    assert dict(+summary.outcomes) == {"accepted": 410, "duplicate": 3}


def test_fitabase_copies_of_one_table_are_duplicates_of_one_another(
    committed_database: str, datasets: Path
) -> None:
    folder = datasets / "fitabase_fitbit"
    first = run_import(committed_database, folder / "dailyActivity_merged.csv", "fitabase_daily_activity")
    assert_accounted_for(first)
    assert (first.rows, first.people) == (940, 33)

    for copy in (
        "with_title_line/dailyActivity_merged.csv",
        "excel_mangled/dailyActivity_merged_excel_iso.csv",
    ):
        summary = run_import(committed_database, folder / copy, "fitabase_daily_activity")
        assert dict(+summary.outcomes) == {"duplicate": first.outcomes["accepted"]}

    not_worn = value_of(
        committed_database, "select count(*) from raw.events where (payload ->> 'steps')::int = 0"
    )
    assert not_worn == 0
