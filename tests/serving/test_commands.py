"""`aurora users …` and `aurora api …`."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from aurora.errors import AuroraError
from serving.commands import register
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
