"""`aurora users …` and `aurora api …`."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import psycopg
import pytest
import typer
from typer.testing import CliRunner

from aurora.errors import AuroraError
from serving import commands
from serving.commands import register
from serving.live.client_types import client_types
from tests.serving.conftest import DATA_KEY, PASSWORD, Account, a_name

app = typer.Typer()
register(app)


@pytest.fixture
def cli(api_database: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("AURORA_POSTGRES_URL", api_database)
    monkeypatch.setenv("AURORA_DATA_KEY", DATA_KEY)
    monkeypatch.setenv("AURORA_API_BCRYPT_COST", "4")
    return CliRunner()


async def can_log_in(client: httpx.AsyncClient, username: str, password: str) -> bool:
    answer = await client.post("/api/v1/auth/login", json={"username": username, "password": password})
    return answer.status_code == 200


async def test_an_account_is_made_that_can_log_in(cli: CliRunner, client: httpx.AsyncClient) -> None:
    name = a_name()

    made = cli.invoke(
        app, ["users", "create", "--username", name, "--password", PASSWORD, "--tz", "Asia/Tokyo"]
    )

    assert made.exit_code == 0, made.output
    assert await can_log_in(client, name, PASSWORD)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--username", "x", "--password", PASSWORD],
        ["--username", "somebody", "--password", "short"],
        ["--username", "somebody", "--password", PASSWORD, "--tz", "Mars/Olympus"],
    ],
)
def test_an_account_that_cannot_be_is_refused_in_words(cli: CliRunner, arguments: list[str]) -> None:
    refused = cli.invoke(app, ["users", "create", *arguments])

    assert isinstance(refused.exception, AuroraError)


def test_a_taken_name_is_refused(cli: CliRunner, ada: Account) -> None:
    refused = cli.invoke(app, ["users", "create", "--username", ada.username, "--password", PASSWORD])

    assert "taken" in str(refused.exception)


async def test_a_new_password_works_and_closes_the_open_logins(
    cli: CliRunner, client: httpx.AsyncClient, ada: Account
) -> None:
    changed = cli.invoke(
        app, ["users", "set-password", ada.username, "--password-stdin"], input="a new one, longer\n"
    )

    assert changed.exit_code == 0, changed.output
    assert await can_log_in(client, ada.username, "a new one, longer")
    assert not await can_log_in(client, ada.username, PASSWORD)
    assert (await client.get("/api/v1/auth/me", headers=ada.headers)).status_code == 401


def test_the_password_of_nobody_cannot_be_set(cli: CliRunner) -> None:
    refused = cli.invoke(app, ["users", "set-password", "nobody-there", "--password", PASSWORD])

    assert "no person" in str(refused.exception)


def test_the_openapi_document_is_written(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"

    written = CliRunner().invoke(app, ["api", "openapi", str(file)])

    assert written.exit_code == 0, written.output
    assert "/api/v1/events" in json.loads(file.read_text())["paths"]


def test_an_announcement_is_written_for_everybody(
    cli: CliRunner, api_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_REDIS_URL", "redis://127.0.0.1:1/0")  # who does not hear the knock looks
    text = f"Maintenance at noon, says {a_name()}."

    told = cli.invoke(app, ["api", "announce", text])

    assert told.exit_code == 0, told.output
    with psycopg.connect(api_database) as connection:
        written = connection.execute(
            "select body ->> 'text' from app.notices where subject = 'announcements'"
        ).fetchall()
    assert (text,) in written


def test_types_of_the_clients_that_are_out_of_date_are_told(
    cli: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PROJECT_DIR", tmp_path)
    for name in client_types():
        (tmp_path / name).parent.mkdir(parents=True)

    stale = cli.invoke(app, ["api", "client-types", "--check"])
    written = cli.invoke(app, ["api", "client-types"])
    fresh = cli.invoke(app, ["api", "client-types", "--check"])

    assert (stale.exit_code, written.exit_code, fresh.exit_code) == (1, 0, 0)
    assert "make generate" in stale.output
