"""A run of the archive whose process is killed with SIGKILL, wherever it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.ingestion.archive import restore_month
from pipelines.ingestion.archive_manifests import read_manifests
from tests.pipelines.ingestion.test_archive import (
    JANUARY,
    Connection,
    contents,
    folder,
    january,
    log,
    partition_exists,
    run,
)

__all__ = ["folder", "january", "log"]

PROGRAM = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import psycopg
from pipelines.ingestion.archive import archive_months
url, folder, moment = sys.argv[1:]
def on_month(month, what):
    if what.startswith(moment):
        os.kill(os.getpid(), signal.SIGKILL)
with psycopg.connect(url, autocommit=True) as connection:
    now = datetime(2025, 3, 1, tzinfo=UTC)
    archive_months(connection, Path(folder), now=now, after=timedelta(days=730), on_month=on_month)
"""


@pytest.mark.parametrize("moment", ["writing", "reading it back", "taking it off the log"])
def test_killed_process_loses_nothing_and_the_next_one_goes_on(
    moment: str, january: str, log: Connection, folder: Path
) -> None:
    everything = contents(log)

    killed = subprocess.run([sys.executable, "-c", PROGRAM, january, str(folder), moment], check=False)

    assert killed.returncode == -signal.SIGKILL
    assert contents(log) == everything
    assert run(log, folder).archived == [JANUARY]
    assert not partition_exists(log)
    [manifest] = read_manifests(log)
    assert [path.name for path in folder.iterdir()] == [manifest.file_name]
    restore_month(log, folder, JANUARY)
    assert contents(log) == everything
