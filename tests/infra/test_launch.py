"""The launcher: holding back, waiting, and knowing its own from another's process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from infra.leftovers import end_group, living_leader
from infra.run_folder import ProcessNote, back_off_seconds, broker_address, publish_broker, read_json


def test_the_first_starts_are_not_held_back() -> None:
    assert back_off_seconds([]) == 0
    assert back_off_seconds([99.0], now=100) == 0


def test_a_program_that_dies_again_and_again_waits_longer_each_time_and_30_seconds_at_most() -> None:
    starts = [float(moment) for moment in range(10)]

    waits = [back_off_seconds(starts[:count], now=10) for count in range(2, 10)]

    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_starts_of_long_ago_are_forgiven() -> None:
    assert back_off_seconds([1.0, 2.0, 3.0, 4.0], now=1000) == 0


def a_patient_process() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, process_group=0)


def test_a_process_that_has_only_inherited_the_number_is_left_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, process_group=0
    ) as stranger:
        note = ProcessNote(pid=stranger.pid, created_at=time.time() - 3600)

        end_group(note)

        assert living_leader(note) is None
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_the_group_of_a_process_of_ours_is_ended() -> None:
    with a_patient_process() as ours:
        note = ProcessNote(pid=ours.pid, created_at=psutil.Process(ours.pid).create_time())
        assert living_leader(note) is not None

        end_group(note)

        assert ours.wait(10) == -9


def test_a_note_about_ourselves_ends_nobody() -> None:
    end_group(ProcessNote(pid=os.getpid(), created_at=time.time()))


def test_the_address_of_the_broker_is_published_beside_the_other_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"api_port": 8000}')

    publish_broker(tmp_path, "127.0.0.1:1234")

    assert broker_address(tmp_path) == "127.0.0.1:1234"
    assert read_json(tmp_path / "settings.json")["api_port"] == 8000
