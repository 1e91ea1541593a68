"""The doctor finds what is wrong and says what to do, and finds nothing on a sound machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.doctor import Finding, Machine, diagnose
from infra.status import ProgramStatus

SOUND = Machine(Path("/data"))


def of(subject: str, findings: list[Finding]) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_a_sound_machine_has_no_finding_to_act_on() -> None:
    assert {finding.level for finding in diagnose(SOUND)} == {"fine"}


def test_a_port_that_is_taken_is_reported_with_who_has_it() -> None:
    machine = replace(SOUND, taken_ports={"serving": (8000, "python3 (pid 4711)")})

    finding = of("port", diagnose(machine))

    assert finding.level == "warning"
    assert "8000 of serving is taken by python3 (pid 4711)" in finding.text
    assert "stop python3 (pid 4711)" in finding.advice


def test_a_full_disk_stands_in_the_way() -> None:
    finding = of("disk", diagnose(replace(SOUND, free_disk_bytes=10_000_000)))

    assert finding.level == "problem"
    assert "AURORA_DATA_DIR" in finding.advice


def test_little_memory_is_a_warning() -> None:
    assert of("memory", diagnose(replace(SOUND, free_memory_bytes=2**20))).level == "warning"


def test_an_old_python_stands_in_the_way() -> None:
    finding = of("python", diagnose(replace(SOUND, python=(3, 10))))

    assert (finding.level, finding.text) == ("problem", "is 3.10")


def test_a_platform_without_a_wheel_is_told_how_to_go_on() -> None:
    missing = {"redis": "no wheel for this platform: set AURORA_REDIS_URL"}

    finding = of("redis", diagnose(replace(SOUND, missing_programs=missing)))

    assert finding.level == "problem"
    assert "AURORA_REDIS_URL" in finding.text


def test_a_folder_that_cannot_be_written_stands_in_the_way() -> None:
    assert of("data folder", diagnose(replace(SOUND, is_writable=False))).level == "problem"


def test_a_folder_below_a_closed_home_is_explained_to_root() -> None:
    finding = of("data folder", diagnose(replace(SOUND, is_reachable=False)))

    assert finding.level == "warning"
    assert "/var/lib/aurora-life" in finding.advice


def test_a_secret_that_others_can_read_is_a_problem() -> None:
    finding = of("secrets", diagnose(replace(SOUND, exposed_files=("/data/secrets.json",))))

    assert finding.advice == "chmod 600 /data/secrets.json"


def test_processes_without_a_supervisor_are_a_problem() -> None:
    finding = of("leftovers", diagnose(replace(SOUND, orphans=("postgres",))))

    assert "aurora down" in finding.advice


def test_a_mail_server_that_does_not_answer_stands_in_nobodys_way() -> None:
    machine = replace(SOUND, external={"mail server": "connection refused"})

    assert of("external mail server", diagnose(machine)).level == "warning"


def test_an_external_service_that_does_not_answer_is_a_problem() -> None:
    finding = of("external redis", diagnose(replace(SOUND, external={"redis": "connection refused"})))

    assert (finding.level, finding.text) == ("problem", "connection refused")


@pytest.mark.parametrize(
    ("state", "level"), [("backing off", "problem"), ("starting", "problem"), ("not started", "fine")]
)
def test_a_process_that_is_not_ready_is_a_problem_unless_nobody_asked_for_it(state: str, level: str) -> None:
    line = ProgramStatus("serving", state)  # pyright: ignore[reportArgumentType]  # parametrized

    findings = diagnose(replace(SOUND, is_up=True, statuses=(line,)))

    assert findings[-1].level == level
