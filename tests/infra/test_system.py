"""The whole system with real processes: it starts in order or not at all, stops, and heals."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

import infra.readiness
import infra.system
from infra.errors import AlreadyRunningError, ServiceStartError, UnknownProgramError
from infra.installation import Installation, given_settings, open_installation
from infra.ports import free_port
from infra.programs import Probe, Program, base_environment, programs
from infra.run_folder import broker_address, read_note
from infra.status import read_status
from infra.supervisord import SupervisorGoneError, connect
from infra.system import bring_up, take_down
from tests.infra.waiting import eventually

PYTHON = sys.executable


@pytest.fixture(autouse=True)
def steady_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts of a test need no time to show that they stay."""
    monkeypatch.setattr(infra.readiness, "STEADY_SECONDS", 0.5)


@pytest.fixture
def here(data_dir: Path) -> Iterator[Installation]:
    installation = open_installation(given_settings(data_dir=data_dir))
    yield installation
    take_down(installation.run_dir)


def a_web_server(name: str = "site", depends_on: tuple[str, ...] = ()) -> Program:
    port = str(free_port())
    return Program(
        name,
        [PYTHON, "-m", "http.server", port, "--bind", "127.0.0.1"],
        Probe("http", f"http://127.0.0.1:{port}/"),
        depends_on=depends_on,
        environment=base_environment(),
    )


def a_script(name: str, code: str, depends_on: tuple[str, ...] = ()) -> Program:
    return Program(name, [PYTHON, "-c", code], Probe("alive"), depends_on, environment=base_environment())


def a_broken_program(last_words: str = "no luck today") -> Program:
    never = Probe("tcp", f"127.0.0.1:{free_port()}")
    return replace(a_script("broken", f"raise SystemExit({last_words!r})"), probe=never)


def table_of(*entries: Program) -> dict[str, Program]:
    return {program.name: program for program in entries}


def services(here: Installation, *names: str) -> list[Program]:
    return [programs(here)[name] for name in names]


def running_pids(here: Installation) -> dict[str, int]:
    return {process.name: process.pid for process in connect(here.run_dir).processes() if process.is_up}


def test_services_start_migrated_and_keep_their_data_and_ports(here: Installation) -> None:
    table = table_of(*services(here, "postgres", "redis"))
    bring_up(here, table=table)
    with psycopg.connect(here.owner_url) as connection:
        connection.execute("create table app.scribbles as select 'remember me' as note")
    take_down(here.run_dir)

    again = open_installation(given_settings(data_dir=here.data_dir))
    bring_up(again, table=table_of(*services(again, "postgres", "redis")))

    assert again.ports == here.ports
    with psycopg.connect(again.owner_url) as connection:
        assert connection.execute("select note from app.scribbles").fetchone() == ("remember me",)


def test_a_program_starts_only_after_what_it_needs_is_ready(here: Installation) -> None:
    events: list[str] = []
    first, second = a_web_server("first"), a_web_server("second", depends_on=("first",))

    bring_up(here, table=table_of(second, first), report=lambda name, _: events.append(name))

    started = {name: read_note(here.run_dir, name).started_at[0] for name in ("first", "second")}
    assert started["first"] < started["second"]
    assert [name for name in events if name in started] == ["first", "second"]


def test_a_second_up_leaves_everything_as_it_is(here: Installation) -> None:
    table = table_of(a_web_server())
    bring_up(here, table=table)
    before = running_pids(here)

    bring_up(here, table=table)

    assert running_pids(here) == before


def test_up_with_other_settings_than_the_running_system_is_refused(here: Installation) -> None:
    bring_up(here, table=table_of(a_web_server()))

    with pytest.raises(AlreadyRunningError, match="other settings"):
        bring_up(here, table=table_of(a_web_server()))


def test_one_failing_program_takes_the_whole_start_back(here: Installation) -> None:
    table = table_of(*services(here, "redis"), a_broken_program("no luck today"))

    with pytest.raises(ServiceStartError, match="no luck today") as caught:
        bring_up(here, table=table)

    assert "aurora doctor" in str(caught.value)
    assert here.redis is not None
    assert here.redis.pid is None
    with pytest.raises(SupervisorGoneError):
        connect(here.run_dir)


def test_a_program_that_fails_to_join_leaves_the_running_ones_alone(here: Installation) -> None:
    table = table_of(a_web_server(), a_broken_program())
    bring_up(here, ["site"], table=table)
    before = running_pids(here)

    with pytest.raises(ServiceStartError):
        bring_up(here, table=table)

    assert running_pids(here) == before


def test_an_interrupted_start_leaves_nothing_running(here: Installation) -> None:
    def interrupt(name: str, event: str) -> None:
        if name == "site":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_up(here, table=table_of(a_web_server()), report=interrupt)

    with pytest.raises(SupervisorGoneError):
        connect(here.run_dir)


def test_a_killed_program_is_started_again_and_counted(here: Installation) -> None:
    bring_up(here, table=table_of(a_web_server()))

    os.kill(running_pids(here)["site"], signal.SIGKILL)

    eventually(
        lambda: [(line.is_healthy, line.restarts) for line in read_status(here.run_dir)] == [(True, 1)]
    )


def test_children_of_a_killed_program_do_not_keep_its_port(here: Installation) -> None:
    site = a_web_server()
    # The leader only waits; its child is the one that listens, as with a server that has workers.
    code = f"import subprocess; subprocess.run({site.command!r})"
    family = Program("family", [PYTHON, "-c", code], site.probe, environment=base_environment())
    bring_up(here, table=table_of(family))

    os.kill(running_pids(here)["family"], signal.SIGKILL)

    eventually(
        lambda: [(line.is_healthy, line.restarts) for line in read_status(here.run_dir)] == [(True, 1)]
    )
    log = (here.log_dir / "family.log").read_text()
    assert "Address already in use" not in log


def test_who_talks_to_the_broker_is_started_anew_with_its_new_address(here: Installation) -> None:
    seen = here.data_dir / "seen.txt"
    code = (
        "import os, time\n"
        f"open({str(seen)!r}, 'a').write(os.environ['AURORA_KAFKA_BOOTSTRAP'] + ' ')\n"
        "time.sleep(600)"
    )
    reader = a_script("reader", code, depends_on=("broker",))
    bring_up(here, table=table_of(*services(here, "broker"), reader))
    first_address = broker_address(here.run_dir)

    os.kill(running_pids(here)["broker"], signal.SIGKILL)

    eventually(lambda: len(seen.read_text().split()) >= 2)
    assert seen.read_text().split()[0] == first_address
    assert seen.read_text().split()[-1] == broker_address(here.run_dir) != first_address


def test_postgres_killed_under_load_comes_back_with_what_was_committed(here: Installation) -> None:
    bring_up(here, table=table_of(*services(here, "postgres")))
    with psycopg.connect(here.owner_url, autocommit=True) as connection:
        connection.execute("create table app.scribbles as select 'remember me' as note")

        os.kill(running_pids(here)["postgres"], signal.SIGKILL)

    eventually(lambda: [line.is_healthy for line in read_status(here.run_dir)] == [True])
    with psycopg.connect(here.owner_url) as connection:
        assert connection.execute("select note from app.scribbles").fetchone() == ("remember me",)


def test_a_program_that_ignores_its_signal_is_killed_within_the_time_of_down(here: Installation) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    )
    bring_up(here, table=table_of(a_script("deaf", code)))
    pid = running_pids(here)["deaf"]
    began = time.monotonic()

    take_down(here.run_dir)

    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(pid)


def test_programs_that_outlived_their_supervisor_are_ended_by_the_next_up(here: Installation) -> None:
    table = table_of(a_web_server())
    bring_up(here, table=table)
    left_over = running_pids(here)["site"]
    supervisor = psutil.Process(connect(here.run_dir).pid())
    supervisor.kill()
    eventually(lambda: not supervisor.is_running() or supervisor.status() == psutil.STATUS_ZOMBIE)

    bring_up(here, table=table)

    assert running_pids(here)["site"] != left_over
    eventually(lambda: not psutil.pid_exists(left_over))


def test_down_forgets_the_addresses(here: Installation) -> None:
    bring_up(here, table=table_of(a_web_server()))
    assert (here.run_dir / "settings.json").exists()

    assert take_down(here.run_dir)

    assert not (here.run_dir / "settings.json").exists()
    assert not take_down(here.run_dir)


def test_an_unknown_process_is_named_with_those_that_exist(here: Installation) -> None:
    with pytest.raises(UnknownProgramError, match=r"servign.*serving"):
        bring_up(here, ["servign"])


def test_an_external_service_that_is_away_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infra.system, "EXTERNAL_SECONDS", 0)
    given = given_settings(data_dir=data_dir, redis_url=f"redis://127.0.0.1:{free_port()}/0")

    with pytest.raises(ServiceStartError, match="the external redis did not start"):
        bring_up(open_installation(given), ["jobs"])


def test_a_mail_server_that_is_away_is_told_of_and_keeps_nobody_waiting(data_dir: Path) -> None:
    given = given_settings(data_dir=data_dir, smtp_url=f"smtp://127.0.0.1:{free_port()}")
    here = open_installation(given)
    told: dict[str, str] = {}

    bring_up(here, table=table_of(a_web_server()), report=told.__setitem__)

    assert list(running_pids(here)) == ["site"]
    assert "e-mails wait" in told["mail server"]
    take_down(here.run_dir)


def test_an_external_postgres_is_migrated_and_not_started(
    data_dir: Path, committed_database: str, secret_key: str
) -> None:
    given = given_settings(data_dir=data_dir, postgres_url=committed_database, secret_key=secret_key)
    here = open_installation(given)
    jobs = replace(
        programs(here)["jobs"], command=[PYTHON, "-c", "import time; time.sleep(600)"], depends_on=()
    )

    bring_up(here, table=table_of(jobs))

    assert list(running_pids(here)) == ["jobs"]
    with psycopg.connect(here.role_url("aurora_serving")) as connection:
        connection.execute("select count(*) from app.users")
    take_down(here.run_dir)
