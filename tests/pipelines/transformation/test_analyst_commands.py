"""`aurora analyst`, as a person types it."""

from __future__ import annotations

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from pipelines.transformation.analyst_commands import AnswersOfOthersError, register_analyst


@pytest.fixture
def aurora(simulated_warehouse: str, secret_key: str, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("AURORA_POSTGRES_URL", simulated_warehouse)
    monkeypatch.setenv("AURORA_SECRET_KEY", secret_key)
    app = typer.Typer()
    register_analyst(app)
    return app


def test_the_address_that_is_printed_lets_an_analyst_in(aurora: typer.Typer) -> None:
    printed = CliRunner().invoke(aurora, ["--url"])

    with psycopg.connect(printed.output.strip()) as connection:
        assert connection.execute("select current_user, count(*) > 0 from users").fetchone() == (
            "aurora_analyst",
            True,
        )


def test_the_settings_are_those_of_the_address(aurora: typer.Typer, simulated_warehouse: str) -> None:
    printed = CliRunner().invoke(aurora, []).output

    assert simulated_warehouse.rpartition("/")[2] in printed
    assert "aurora_analyst" in printed
    assert "analysts" in printed


def test_the_questions_are_answered_from_the_data_at_hand(aurora: typer.Typer) -> None:
    printed = CliRunner().invoke(aurora, ["--answers"])

    assert printed.exit_code == 0, printed.output
    assert "Who is in, and how much of each life?" in printed.output
    assert "simulated-seed7" in printed.output


def test_the_page_is_not_written_from_other_peoples_data(
    aurora: typer.Typer, committed_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(committed_database) as connection:
        # Before the first build there is nobody at all.
        connection.execute("create view analysts.users as select null::text as cohort where false")
        connection.execute("grant select on analysts.users to aurora_analyst")
    monkeypatch.setenv("AURORA_POSTGRES_URL", committed_database)

    result = CliRunner().invoke(aurora, ["--write-answers"])

    assert isinstance(result.exception, AnswersOfOthersError)
