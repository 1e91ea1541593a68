"""The table of programs: who gets which secret, what is external, and what the supervisor is told."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from aurora.secrets import derive, role_password
from infra.installation import Installation, given_settings, open_installation
from infra.programs import Program, programs
from infra.supervisord import render, socket_file

ROLE_OF_PROCESS = {
    "dagster-code": "aurora_pipelines",
    "streams": "aurora_streams",
    "serving": "aurora_serving",
    "jobs": "aurora_jobs",
}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return open_installation(given_settings(data_dir=tmp_path / "data"))


@pytest.fixture
def outside(tmp_path: Path) -> Installation:
    """An installation whose services are all external."""
    return open_installation(
        given_settings(
            data_dir=tmp_path / "data",
            postgres_url="postgresql://boss:pw@db.example.org:6432/life?sslmode=require",
            redis_url="redis://cache.example.org/0",
            kafka_bootstrap="kafka.example.org:9092",
            kafka_may_create_topics=True,
            mlflow_uri="https://mlflow.example.org",
            smtp_url="smtps://sender:hush@mail.example.org",
        )
    )


@pytest.mark.parametrize(("name", "role"), ROLE_OF_PROCESS.items())
def test_each_process_logs_in_as_its_own_role(here: Installation, name: str, role: str) -> None:
    url = programs(here)[name].environment["AURORA_POSTGRES_URL"]

    assert url.startswith(f"postgresql://{role}:{role_password(here.secret_key, role)}@127.0.0.1:")


def test_nobody_gets_the_root_secret_or_the_address_of_the_owner(here: Installation) -> None:
    for program in programs(here).values():
        values = list(program.environment.values())

        assert here.secret_key not in values
        assert here.owner_url not in values


def test_only_serving_can_sign_tokens(here: Installation) -> None:
    jwt_secret = derive(here.secret_key, "jwt")

    holders = [name for name, program in programs(here).items() if jwt_secret in program.environment.values()]

    assert holders == ["serving"]


@pytest.mark.parametrize("name", ["dagster-webserver", "dagster-daemon", "mlflow"])
def test_what_a_process_may_not_know_is_set_empty_so_that_no_file_fills_it_in(
    here: Installation, name: str
) -> None:
    environment = programs(here)[name].environment

    for setting in ("POSTGRES_URL", "REDIS_URL", "SECRET_KEY", "JWT_SECRET", "DATA_KEY"):
        assert environment[f"AURORA_{setting}"] == ""


def test_only_the_code_of_dagster_knows_who_hears_of_failures_and_where_its_pages_are(tmp_path: Path) -> None:
    address = "mailto://sender:password@smtp.example.org"
    given = given_settings(
        data_dir=tmp_path / "data", alert_urls=address, code_url="https://example.org/code"
    )
    table = programs(open_installation(given))

    knowing = {name for name, program in table.items() if address in program.environment.values()}
    assert knowing == {"dagster-code"}
    code = table["dagster-code"].environment
    assert code["AURORA_ALERT_URLS"] == address
    assert code["AURORA_DAGSTER_URL"] == table["dagster-webserver"].url
    assert code["AURORA_CODE_URL"] == "https://example.org/code"


def test_only_the_job_worker_knows_the_mail_server_and_where_links_lead(
    here: Installation, outside: Installation
) -> None:
    knowing = {
        name for name, program in programs(outside).items() if program.environment.get("AURORA_SMTP_URL")
    }
    own = programs(here)

    assert knowing == {"jobs"}
    assert own["jobs"].environment["AURORA_SMTP_URL"] == f"smtp://127.0.0.1:{here.ports['mailbox-smtp']}"
    assert own["jobs"].environment["AURORA_PUBLIC_URL"] == own["serving"].url
    assert str(here.ports["mailbox-smtp"]) in own["mailbox"].command


def test_an_environment_holds_nothing_of_the_shell_that_is_not_needed(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODY_ELSES_TOKEN", "hush")

    for program in programs(here).values():
        assert "SOMEBODY_ELSES_TOKEN" not in program.environment


def test_every_dependency_is_a_program_and_none_goes_round_in_a_circle(here: Installation) -> None:
    table = programs(here)
    placed: set[str] = set()

    while len(placed) < len(table):
        waiting = [program for name, program in table.items() if name not in placed]
        next_ones = {program.name for program in waiting if placed.issuperset(program.depends_on)}
        assert next_ones, f"never ready: {set(table) - placed}"
        placed |= next_ones


def test_external_services_are_not_started(outside: Installation) -> None:
    assert not {"postgres", "redis", "broker", "mlflow", "mailbox"} & set(programs(outside))


def test_processes_are_pointed_at_external_services(outside: Installation) -> None:
    table = programs(outside)

    streams = table["streams"].environment
    assert streams["AURORA_KAFKA_BOOTSTRAP"] == "kafka.example.org:9092"
    assert streams["AURORA_KAFKA_MAY_CREATE_TOPICS"] == "True"
    assert streams["AURORA_REDIS_URL"] == "redis://cache.example.org/0"
    assert table["dagster-code"].environment["AURORA_MLFLOW_URI"] == "https://mlflow.example.org"
    serving = table["serving"].environment["AURORA_POSTGRES_URL"]
    assert serving.startswith("postgresql://aurora_serving:")
    assert serving.endswith("@db.example.org:6432/life?sslmode=require")


def test_programs_of_an_external_database_still_wait_for_its_migration(outside: Installation) -> None:
    assert programs(outside)["serving"].needs_database


def test_the_supervisor_is_told_every_program_and_no_secret(here: Installation) -> None:
    table = programs(here)

    text = render(table, run_dir=here.run_dir, log_dir=here.log_dir)

    config = configparser.RawConfigParser()
    config.read_string(text)
    sections = {name.removeprefix("program:") for name in config.sections() if name.startswith("program:")}
    assert sections == set(table)
    assert config["program:postgres"]["stopsignal"] == "INT"
    assert role_password(here.secret_key, "aurora_serving") not in text
    assert here.secret_key not in text


def test_a_percent_sign_in_a_path_is_not_taken_for_a_variable(here: Installation, tmp_path: Path) -> None:
    site: dict[str, Program] = {"redis": programs(here)["redis"]}

    text = render(site, run_dir=tmp_path / "100%", log_dir=tmp_path)

    assert "100%%" in text


def test_a_deep_folder_gets_a_socket_with_a_short_path() -> None:
    deep = Path("/") / "/".join(["a-folder-with-a-long-name"] * 6)

    assert len(str(socket_file(deep))) < 100


def test_only_serving_reads_from_a_replica_as_its_own_role(tmp_path: Path) -> None:
    replica = "postgresql://boss:pw@replica.example.org:6432/life"
    outside = open_installation(given_settings(data_dir=tmp_path / "data", postgres_replica_url=replica))

    told = {
        name: program.environment.get("AURORA_POSTGRES_REPLICA_URL", "")
        for name, program in programs(outside).items()
    }

    password = role_password(outside.secret_key, "aurora_serving")
    assert told.pop("serving") == f"postgresql://aurora_serving:{password}@replica.example.org:6432/life"
    assert not any(told.values())
