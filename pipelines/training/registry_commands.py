"""`aurora promote`, `aurora rollback` and `aurora evaluate`: the registry, by hand."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from aurora.models.catalogue import REAL_COHORT
from aurora.predictions.storage import CHAMPION
from aurora.predictions.truth import HORIZON_HOURS
from aurora.settings import load_settings
from pipelines.training.metric_tables import metric_table

if TYPE_CHECKING:
    from pipelines.training.promotion import ChampionMove
    from pipelines.training.reevaluation import SecondLook
    from pipelines.training.shadow_comparison import ShadowComparison

Model = Annotated[str, typer.Argument(help="energy or mood")]
Cohort = Annotated[str, typer.Option(help="Whose model it is")]
By = Annotated[str, typer.Option("--by", help="Who does this, for the history; your login when not given")]


def register_registry(app: typer.Typer) -> None:
    """Add the commands that move the champion and look at versions again."""
    app.command("promote")(promote_model)
    app.command("rollback")(roll_back_model)
    app.command("evaluate")(evaluate_model)


def promote_model(
    model: Model,
    *,
    because: Annotated[str, typer.Option(help="Why, for the history")],
    cohort: Cohort = REAL_COHORT,
    version: Annotated[int | None, typer.Option(help="The challenger when not given")] = None,
    by: By = "",
    force: Annotated[bool, typer.Option("--force", help="Also a version that smells of a leak")] = False,
) -> None:
    """Make a version champion by hand; serving and streams follow at once."""
    from pipelines.training.promotion import promote

    settings = load_settings()
    with psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection:
        moved = promote(
            connection,
            model,
            cohort,
            mlflow_uri=settings.need("mlflow_uri"),
            because=because,
            version=str(version) if version else None,
            moved_by=by or _login(),
            force=force,
        )
    _print_move(moved, "promoted")


def roll_back_model(
    model: Model,
    *,
    cohort: Cohort = REAL_COHORT,
    because: Annotated[str, typer.Option(help="Why, for the history")] = "",
    by: By = "",
) -> None:
    """Put back the version that was champion before; repeated, the one before that."""
    from pipelines.training.promotion import roll_back

    settings = load_settings()
    with psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection:
        moved = roll_back(
            connection,
            model,
            cohort,
            mlflow_uri=settings.need("mlflow_uri"),
            because=because or None,
            moved_by=by or _login(),
        )
    _print_move(moved, "put back")


def evaluate_model(
    model: Model,
    *,
    cohort: Cohort = REAL_COHORT,
    version: Annotated[
        str, typer.Option(help="A number, champion or challenger; with --shadow one challenger's number")
    ] = "",
    as_of: Annotated[datetime | None, typer.Option(help="On what was known at this instant (UTC)")] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Champion against challenger on what both told the same people")
    ] = False,
) -> None:
    """Judge a registered version on labels that became known after it was trained. Registers nothing."""
    from pipelines.training.reevaluation import look_again
    from pipelines.training.shadow_comparison import compare_shadow

    settings, console = load_settings(), Console()
    with psycopg.connect(settings.need("postgres_url"), autocommit=True) as connection:
        if shadow:
            _print_shadow(console, model, compare_shadow(connection, model, cohort, version=version or None))
            return
        look = look_again(
            connection,
            model,
            cohort,
            mlflow_uri=settings.need("mlflow_uri"),
            version=version or CHAMPION,
            until=as_of.replace(tzinfo=UTC) if as_of else None,
        )
    _print_look(console, model, look)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number without a name
        return "unknown"


def _print_move(moved: ChampionMove, done: str) -> None:
    console = Console(highlight=False)
    if moved.is_new:
        console.print(
            f"[bold]{moved.name}[/] version {moved.version} {done}; before: {moved.previous or 'none'}"
        )
    else:
        console.print(f"[bold]{moved.name}[/] version {moved.version} is champion already")
    for problem in moved.problems:
        console.print(f"[red]{problem}[/]")


def _print_look(console: Console, model: str, look: SecondLook) -> None:
    console.print(
        f"[bold]{look.name}[/] version {look.version} on {look.rows:,} ratings of {look.people} people that became "
        f"known after it was trained ({look.trained_until:%Y-%m-%d %H:%M} UTC); {look.cold:,} without a history",
        highlight=False,
    )
    lift = look.lift
    console.print(
        f"  lift over {look.best_baseline}, the best baseline: {lift.mean:+.4f} per person, "
        f"95 % interval {lift.lower:+.4f} to {lift.upper:+.4f} ({lift.relative:+.1%})",
        highlight=False,
    )
    console.print(
        f"  its 90 % interval covered {look.metrics['interval/coverage']:.1%}, "
        f"{look.metrics['interval/width']:.2f} wide",
        highlight=False,
    )
    console.print(metric_table(model, look.metrics))


def _print_shadow(console: Console, model: str, found: ShadowComparison) -> None:
    console.print(
        f"[bold]{found.name}[/] in the shadow: {found.ratings:,} ratings of {found.people} people, moments of "
        f"{found.first:%Y-%m-%d} to {found.last:%Y-%m-%d}, rated {found.hours_until_rated:.1f} hours later in the mean "
        f"(at most {HORIZON_HOURS})",
        highlight=False,
    )
    lift = found.lift
    console.print(
        f"  lift of the challenger over the champion: {lift.mean:+.4f} per person, "
        f"95 % interval {lift.lower:+.4f} to {lift.upper:+.4f} ({lift.relative:+.1%})",
        highlight=False,
    )
    console.print(metric_table(model, found.metrics, bold=("challenger",)))
    table = Table("challenger", "champion", "ratings", found.loss, f"champion's {found.loss}")
    for column in table.columns:
        column.justify = "right"
    for pair in found.pairs:
        losses = (f"{pair.challenger_loss:.3f}", f"{pair.champion_loss:.3f}")
        table.add_row(pair.challenger, pair.champion, f"{pair.ratings:,}", *losses)
    console.print(table)
