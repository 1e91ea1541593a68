"""The kernel's own sub-commands: `aurora migrate`, `aurora keys …`."""

from __future__ import annotations

import typer
from rich.console import Console

from aurora.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the kernel's sub-commands to the `aurora` command."""

    @app.command()
    def migrate() -> None:
        """Create or upgrade roles, databases, tables and grants."""
        from aurora.database.migrate import migrate as run

        settings = load_settings()
        run(settings.need("postgres_url"), settings.need("secret_key"))
        Console().print("The database is up to date.")

    keys = typer.Typer(help="The keys that wrap people's data keys (docs/api.md).", no_args_is_help=True)
    app.add_typer(keys, name="keys")

    @keys.command("status")
    def show_keys() -> None:
        """How many people's data keys the first key of the ring wraps, and how many an older one."""
        _rewrap(only_look=True)

    @keys.command("rewrap")
    def rewrap_keys() -> None:
        """Wrap everybody's data key with the first key of AURORA_DATA_KEY. May be interrupted and repeated."""
        _rewrap(only_look=False)


def _rewrap(*, only_look: bool) -> None:
    from rich.progress import Progress

    from aurora.database.connections import connect
    from aurora.events.rewrapping import rewrap

    settings = load_settings()
    with (
        connect(settings.need("postgres_url"), autocommit=True) as connection,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("people", total=None)
        found = rewrap(
            connection,
            settings.need("data_key"),
            only_look=only_look,
            on_done=lambda done, count: progress.update(task, completed=done, total=count),
        )
    older = "are wrapped by an older key" if only_look else "were wrapped anew"
    Console().print(f"{found.people:,} people have a data key; {found.changed:,} of them {older}.")
    if found.unreadable:
        Console().print(
            f"{len(found.unreadable):,} are wrapped by no key of AURORA_DATA_KEY; add the key that is missing, as the"
            f" last but one. The first of them: {found.unreadable[0]}"
        )
        raise typer.Exit(1)
