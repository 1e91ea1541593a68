"""An export of any size is read in constant memory."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aurora.settings import PROJECT_DIR
from tests.pipelines.ingestion.exports import HEART_RATE, STEPS, a_record, a_stage, apple_xml

SIZE = 200_000_000
READ_IT = """
import json, resource, sys
from pathlib import Path
from pipelines.ingestion.exports import read_export
from pipelines.ingestion.mapping_files import load_mapping

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

small, large = map(Path, sys.argv[1:])
mapping = load_mapping("apple_health")
list(read_export(small, mapping))  # what is loaded once
before, records, rows = peak(), 0, 0
for chunk in read_export(large, mapping):
    rows += len(chunk)
    records += sum(json.loads(body)["records"] for _, body in chunk.rows) + len(chunk.bad)
print(json.dumps({"grown": peak() - before, "records": records, "rows": rows}))
"""


def write_export(path: Path, size: int) -> int:
    """An export of some `size` bytes, written as a stream; how many records it holds."""
    start, end = apple_xml("RECORDS").split("RECORDS")
    first = datetime(2015, 1, 1, tzinfo=UTC)
    templates = [
        a_record(kind, startDate="{at} +0000", unit=unit, value="{value}") + "\n"
        for kind, unit in (
            (STEPS, "count"),
            (HEART_RATE, "count/min"),
            (HEART_RATE, "count/min"),
            ("HKQuantityTypeIdentifierActiveEnergyBurned", "kcal"),
        )
    ]
    count = 0
    with path.open("w", encoding="utf-8") as file:
        written = file.write(start)
        while written < size:
            at = (first + timedelta(minutes=4 * count)).replace(tzinfo=None).isoformat(" ")
            written += file.write(templates[count % 4].format(at=at, value=50 + count % 90))
            count += 1
        file.write(a_stage("AsleepREM", "15 01:00:00", "15 02:00:00") + end)
    return count + 1


@pytest.mark.slow
def test_memory_does_not_grow_with_the_export(tmp_path: Path) -> None:
    small, large = tmp_path / "small.xml", tmp_path / "large.xml"
    write_export(small, 1_000_000)
    count = write_export(large, SIZE)

    answer = subprocess.run(
        [sys.executable, "-c", READ_IT, str(small), str(large)],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_DIR,
    )

    said = json.loads(answer.stdout)
    assert large.stat().st_size > SIZE
    assert said["records"] == count
    assert said["rows"] < count / 2
    assert said["grown"] < 50_000_000
