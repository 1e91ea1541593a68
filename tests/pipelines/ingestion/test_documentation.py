"""The mapping that docs/ingestion.md shows is one that works."""

from __future__ import annotations

import re
from pathlib import Path

from aurora.settings import PROJECT_DIR
from pipelines.ingestion.mapping_files import load_mapping
from tests.pipelines.ingestion.imports import rows_of, run_import

EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)

DIARY = """My diary of 2026
who;date;slept;how;mood;thoughts;km;from;to;cancelled
ana;02.03.2026;7,5;fine;4;läuft;3,2;08:10;08:55;
ana;03.03.2026;-;;;;;;;
"""


def test_documented_mapping_reads_a_diary(committed_database: str, tmp_path: Path) -> None:
    (example,) = EXAMPLE.findall((PROJECT_DIR / "docs" / "ingestion.md").read_text(encoding="utf-8"))
    (tmp_path / "diary.yaml").write_text(example, encoding="utf-8")
    (tmp_path / "diary.csv").write_text(DIARY, encoding="windows-1252")

    summary = run_import(
        committed_database, tmp_path / "diary.csv", load_mapping(str(tmp_path / "diary.yaml"))
    )

    assert (summary.rows_with_events, summary.rows_empty) == (1, 1)
    assert rows_of(committed_database, "select type, payload, precision from raw.events order by type") == [
        ("exercise.recorded", {"kind": "walk", "distance_m": 3200.0}, "instant"),
        ("mood.rated", {"valence": 0.5}, "day"),
        ("sleep.recorded", {"asleep_minutes": 450.0, "quality": 6.0}, "day"),
    ]
