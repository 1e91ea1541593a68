"""The sub-commands that `serving` adds: `aurora users …`, `aurora api …` and `aurora audit …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aurora.settings import PROJECT_DIR, load_settings
from serving.audit.commands import register_audit
from serving.auth.roles import Role

# At module level: annotations are text here, which typer looks up among the module's names.
_PASSWORD = typer.Option("--password", help="Better --password-stdin: this one is seen in `ps`")
_STDIN = typer.Option("--password-stdin", help="Read the password from standard input")


def register(app: typer.Typer) -> None:
    """Add this package's sub-commands to the `aurora` command."""
    users = typer.Typer(help="People who may log in.", no_args_is_help=True)
    api = typer.Typer(help="The API itself.", no_args_is_help=True)
    app.add_typer(users, name="users")
    app.add_typer(api, name="api")
    _add_users(users)
    _add_api(api)
    register_audit(app)


def _add_users(users: typer.Typer) -> None:
    @users.command("create")
    def create_user(
        username: Annotated[str, typer.Option("--username")],
        password: Annotated[str | None, _PASSWORD] = None,
        tz: Annotated[str, typer.Option("--tz", help="IANA time zone")] = "UTC",
        password_stdin: Annotated[bool, _STDIN] = False,  # noqa: FBT002  # typer's way to say a flag
    ) -> None:
        """Make an account."""
        from serving.auth.administration import add_user

        settings = load_settings()
        secret = _password(password, from_stdin=password_stdin)
        user_id = add_user(settings.need("postgres_url"), settings.need("data_key"), username, secret, tz)
        Console().print(f"{username} may log in now (user {user_id}).")

    @users.command("set-password")
    def set_password(
        username: Annotated[str, typer.Argument(help="Whose password; a simulated person will do")],
        password: Annotated[str | None, _PASSWORD] = None,
        password_stdin: Annotated[bool, _STDIN] = False,  # noqa: FBT002  # typer's way to say a flag
    ) -> None:
        """Give an existing person a new password and close the logins there are."""
        from serving.auth.administration import change_password

        settings = load_settings()
        change_password(
            settings.need("postgres_url"), username, _password(password, from_stdin=password_stdin)
        )
        Console().print(f"{username} has a new password.")

    @users.command("set-role")
    def set_role(
        username: Annotated[str, typer.Argument(help="Whose role")],
        role: Annotated[Role, typer.Argument(help="What they may from now on (docs/api.md)")],
    ) -> None:
        """Make somebody an administrator, an operator, an analyst or a user."""
        from serving.auth.administration import give_role

        settings = load_settings()
        give_role(settings.need("postgres_url"), settings.need("data_key"), username, role)
        Console().print(f"{username} is {role} from now on.")


def _add_api(api: typer.Typer) -> None:
    @api.command("openapi")
    def write_openapi(
        path: Annotated[Path | None, typer.Argument(help="File to write; standard output by default")] = None,
    ) -> None:
        """Write the OpenAPI document of the API."""
        from serving.description import openapi_json

        _write(openapi_json(), path)

    @api.command("asyncapi")
    def write_asyncapi(
        path: Annotated[Path | None, typer.Argument(help="File to write; standard output by default")] = None,
    ) -> None:
        """Write the AsyncAPI document of the WebSocket."""
        from serving.description import asyncapi_json

        _write(asyncapi_json(), path)

    @api.command("client-types")
    def write_client_types(
        check: Annotated[bool, typer.Option("--check", help="Only say whether they are up to date")] = False,  # noqa: FBT002  # typer's way to say a flag
    ) -> None:
        """Write the types of the clients in clients/ from the messages of the WebSocket."""
        from serving.live.client_types import client_types

        stale = [
            path
            for name, text in client_types().items()
            if not (path := PROJECT_DIR / name).exists() or path.read_text() != text
        ]
        if not check:
            for name, text in client_types().items():
                (PROJECT_DIR / name).write_text(text)
        for path in stale:
            Console().print(f"{'is out of date: run `make generate`' if check else 'written'}: {path}")
        if check and stale:
            raise typer.Exit(1)

    @api.command("announce")
    def announce(text: Annotated[str, typer.Argument(help="What everybody who listens shall hear")]) -> None:
        """Tell everybody on the WebSocket's topic system:announcements."""
        from serving.live.announcing import announce

        settings = load_settings()
        announce(settings.need("postgres_url"), settings.need("redis_url"), text)
        Console().print("Announced.")


def _write(text: str, path: Path | None) -> None:
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text)


def _password(given: str | None, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return given or typer.prompt("Password", hide_input=True, confirmation_prompt=True)
