"""What happened in the demo, as tables that a person understands. Everything is read back from Postgres."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table

from aurora.database.connections import connect
from aurora.database.grants import ANALYST
from aurora.secrets import role_url
from aurora.settings import Settings

_PEOPLE: LiteralString = """
    select
        users.cohort,
        count(distinct users.user_id) as people,
        count(*) as events,
        count(distinct (events.user_id, events.local_date)) as days,
        min(events.local_date) as first_day,
        max(events.local_date) as last_day
    from app.users as users
    inner join raw.events as events on users.user_id = events.user_id
    group by users.cohort
    order by users.cohort
"""

_WAREHOUSE: LiteralString = """
    select
        (select count(*) from features.moment_energy_features) as feature_rows,
        (select count(*) from marts.scores where score is not null) as scores,
        (select count(*) from predictions.predictions) as predictions,
        (select count(*) from raw.rejected_events where replayed_at is null) as rejected
"""

_PREDICTION: LiteralString = """
    select predictions.*
    from predictions.predictions as predictions
    inner join app.users as users on predictions.user_id = users.user_id
    where users.username = %(username)s and predictions.model_name = %(model)s
    order by predictions.created_at desc, predictions.as_of desc
    limit 1
"""


def tell(console: Console, settings: Settings, *, username: str, password: str, cohort: str) -> None:
    """Print who is in, what was made of it, one person's today, and where to look next."""
    with connect(settings.need("postgres_url")) as connection:
        console.print(_people(connection))
        console.print(_warehouse(connection))
        console.print(_today(connection, username))
    console.print(_addresses(settings, username, password))
    console.print(f"[dim]`{cohort}` are simulated people; their models never serve real ones.[/]")


def _rows(
    connection: psycopg.Connection[Any], query: LiteralString, **values: object
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def _people(connection: psycopg.Connection[Any]) -> Table:
    table = Table(title="Whose lives are in", title_justify="left")
    for name in ("cohort", "people", "events", "person-days", "from", "to"):
        table.add_column(name, justify="right" if name in {"people", "events", "person-days"} else "left")
    for row in _rows(connection, _PEOPLE):
        table.add_row(
            row["cohort"],
            f"{row['people']:,}",
            f"{row['events']:,}",
            f"{row['days']:,}",
            str(row["first_day"]),
            str(row["last_day"]),
        )
    return table


def _warehouse(connection: psycopg.Connection[Any]) -> Table:
    [row] = _rows(connection, _WAREHOUSE)
    table = Table("what", "how many", title="What was made of it", title_justify="left")
    table.columns[1].justify = "right"
    table.add_row("moments with all features", f"{row['feature_rows']:,}")
    table.add_row("daily scores", f"{row['scores']:,}")
    table.add_row("predictions", f"{row['predictions']:,}")
    table.add_row("events set aside with a reason", f"{row['rejected']:,}")
    return table


def _today(connection: psycopg.Connection[Any], username: str) -> Table:
    table = Table("", "", title=f"Today, for {username}", title_justify="left", show_header=False)
    for model, unit in (("energy", "of 10"), ("mood", "")):
        for row in _rows(connection, _PREDICTION, username=username, model=model):
            value = f"{row['value']:.1f} {unit}" if model == "energy" else row["class"].replace("_", " ")
            if row["value"] is None:
                value = "nothing is known yet"
            source = f"by {row['model_source']}" + (
                f" {row['model_version']}" if row["model_version"] else ""
            )
            span = (
                f", 90 % between {row['lower']:.1f} and {row['upper']:.1f}"
                if row["lower"] is not None
                else ""
            )
            table.add_row(f"[bold]{model}[/]", f"{value}{span} ({source}, {row['as_of']:%Y-%m-%d %H:%M} UTC)")
            for reason in row["reasons"]:
                table.add_row("", f"· {reason['sentence']}")
    return table


def _addresses(settings: Settings, username: str, password: str) -> Table:
    table = Table("who", "where", title="Where to go next", title_justify="left")
    table.add_row("data engineer", f"Dagster  {settings.dagster_url}")
    table.add_row("ML engineer", f"MLflow   {settings.mlflow_uri}")
    table.add_row("app builder", f"API      {settings.api_url}/docs")
    analyst = role_url(settings.need("postgres_url"), settings.secret_key, ANALYST)
    table.add_row("analyst", f"psql     {analyst}\n         or a dashboard: aurora dashboard")
    table.add_row("login to try", f"[bold]{username}[/]  password [bold]{password}[/]")
    return table
