"""Bad input: a file that cannot be read says why; a bad row leaves its neighbours alone."""

from __future__ import annotations

import gzip
import json
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipelines.ingestion.errors import ColumnMissingError, FileUnusableError
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.reading import read_chunks
from pipelines.ingestion.records import BadRow
from tests.pipelines.ingestion.imports import a_diary, a_mapping, an_envelope, ndjson

HEADER = b"who,date,hours,mood\n"
GOOD = b"ana,2026-03-02,7.5,4\n"
ENVELOPES = a_mapping(format="ndjson", events="envelope", rules=[], day=None)
PARQUET = a_mapping(format="parquet")


def read(path: Path, mapping: Mapping) -> tuple[dict[int, dict[str, object]], list[BadRow]]:
    rows, bad = {}, []
    for chunk in read_chunks(path, mapping):
        rows |= {number: json.loads(body) for number, body in chunk.rows}
        bad += chunk.bad
    return rows, bad


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sheet.xml", "<x/>")


WRITERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: path.write_bytes(b""), "the file is empty"),
    "white space": (lambda path: path.write_bytes(b"\n  \n"), "only white space"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "PNG picture"),
    "a workbook": (a_zip, "Excel workbook"),
    "an archive": (lambda path: path.write_bytes(gzip.compress(HEADER + GOOD)), "gzip archive"),
    "a web page": (lambda path: path.write_text("<!DOCTYPE html><title>Log in</title>"), "web page"),
    "xml": (lambda path: path.write_text('<?xml version="1.0"?><HealthData/>'), "XML"),
    "json": (lambda path: path.write_text('[{"who": "ana"}]'), "JSON"),
    "utf-16": (lambda path: path.write_text((HEADER + GOOD).decode(), encoding="utf-16"), "UTF-16"),
    "bytes": (lambda path: path.write_bytes(bytes(range(1, 200)) * 10), "byte 0x80 in line 2"),
    "a Mac file": (lambda path: path.write_bytes((HEADER + GOOD).replace(b"\n", b"\r")), "carriage return"),
    "a long header": (lambda path: path.write_bytes(b"a," * 600_000), "longer than 1,000,000 bytes"),
    "semicolons": (
        lambda path: path.write_bytes((HEADER + GOOD).replace(b",", b";")),
        "separated by semicolons: set `separator: ';'`",
    ),
    "a title": (
        lambda path: path.write_bytes(b"My diary\n" + HEADER + GOOD),
        "stand in line 2, below a title",
    ),
    "a column twice": (
        lambda path: path.write_bytes(b"who,date,hours,mood,mood\n"),
        "the column 'mood' appears twice",
    ),
}


@pytest.mark.parametrize("what", WRITERS)
def test_file_that_is_no_such_table_says_what_it_is(tmp_path: Path, what: str) -> None:
    write, said = WRITERS[what]
    path = tmp_path / "diary.csv"
    write(path)

    with pytest.raises(FileUnusableError, match=said):
        read(path, a_mapping())


def test_missing_file_and_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(FileUnusableError, match="there is no file"):
        read(tmp_path / "no.csv", a_mapping())
    with pytest.raises(FileUnusableError, match="not a file"):
        read(tmp_path, a_mapping())


def test_missing_column_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    path = a_diary(tmp_path / "diary.csv", "ana,2026-03-02,7,4", header="who,Date,hours,feeling")

    with pytest.raises(ColumnMissingError) as raised:
        read(path, a_mapping())
    assert raised.value.missing == ("date", "mood")
    assert "'date' (did you mean 'Date'?)" in str(raised.value)
    assert "The file's columns: who, Date, hours, feeling" in str(raised.value)


def test_wrong_encoding_is_said_with_its_line_and_gives_out_no_row(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(HEADER + GOOD * 30_000 + "jörg,2026-03-02,7,4\n".encode("windows-1252"))

    with pytest.raises(FileUnusableError, match=r"byte 0xF6 in line 30002 is not utf-8.*windows-1252"):
        next(iter(read_chunks(path, a_mapping())))


def test_stated_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(HEADER + "jörg,2026-03-02,7,4\n".encode("windows-1252"))

    rows, _ = read(path, a_mapping(encoding="windows-1252"))

    assert rows[1]["who"] == "jörg"


def test_byte_order_mark_title_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(b"\xef\xbb\xbfMy diary\r\n" + (HEADER + GOOD).replace(b"\n", b"\r\n"))

    rows, bad = read(path, a_mapping(title_lines=1))

    assert rows == {1: {"who": "ana", "date": "2026-03-02", "hours": "7.5", "mood": "4"}}
    assert bad == []


def test_file_that_breaks_off_loses_its_last_row_only(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(HEADER + GOOD + GOOD + b"ana,2026-03-0")

    rows, (bad,) = read(path, a_mapping())

    assert set(rows) == {1, 2}
    assert (bad.row_number, bad.body) == (3, "ana,2026-03-0")
    assert "is it truncated?" in bad.reason


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"ana,2026-03-03\n", "2 cells where the header has 4"),
        (b"ana,2026-03-03,7,4,5\n", "5 cells where the header has 4"),
        (b'ana,"2026-03-03,7,4\n', "never closed"),
        (b"ana,2026-03-03,7\x00,4\n", "zero byte"),
        (b"ana," + b"x" * 1_100_000 + b",7,4\n", "longer than 1,000,000 bytes"),
    ],
)
def test_row_that_is_none_is_set_aside_and_its_neighbours_stay(
    tmp_path: Path, line: bytes, said: str
) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(HEADER + GOOD + line + GOOD)

    rows, (bad,) = read(path, a_mapping())

    assert set(rows) == {1, 3}
    assert bad.row_number == 2
    assert said in bad.reason


def test_quotes_line_breaks_and_stray_quotes_within_cells_are_read(tmp_path: Path) -> None:
    path = tmp_path / "diary.csv"
    path.write_bytes(
        HEADER + b'"an\na","2026-03-02","7",4\n' + b'an"a,2026-03-03,7,4\n' + b'"an""a",2026-03-04,7,4\n'
    )

    rows, bad = read(path, a_mapping())

    assert [row["who"] for row in rows.values()] == ["an\na", 'an"a', 'an"a']
    assert bad == []


def test_line_of_a_gigabyte_is_set_aside_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    with path.open("wb") as file:
        file.write(json.dumps(an_envelope()).encode() + b"\n" + b'{"note": "')
        file.seek(1_000_000_000, 1)  # a hole: it takes no room on the disk
        file.write(b'"}\n' + json.dumps(an_envelope()).encode() + b"\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    rows, (bad,) = read(path, ENVELOPES)

    assert set(rows) == {1, 3}
    assert (bad.row_number, bad.code, len(bad.body)) == (2, "too_large", pytest.approx(40_000, rel=1))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b'{"a": 1',
        b"[1, 2]",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
)
def test_line_that_is_no_json_object_is_set_aside(tmp_path: Path, line: bytes) -> None:
    path = ndjson(tmp_path / "events.ndjson", [an_envelope(), line, "", an_envelope()])

    rows, (bad,) = read(path, ENVELOPES)

    assert set(rows) == {1, 4}
    assert (bad.row_number, bad.code) == (2, "undecodable")


def test_table_is_no_ndjson(tmp_path: Path) -> None:
    with pytest.raises(FileUnusableError, match="begins with 'who,date,hours,mood'"):
        read(a_diary(tmp_path / "diary.csv", "ana,2026-03-02,7,4"), ENVELOPES)


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "diary.parquet"
    frame = pl.DataFrame(
        {"who": ["ana"], "date": ["2026-03-02"], "hours": [7.5], "mood": [4], "raw": [b"\x00"]}
    )
    frame.with_columns(pl.col("date").str.to_date()).write_parquet(path)

    rows, bad = read(path, PARQUET)

    assert rows == {1: {"who": "ana", "date": "2026-03-02", "hours": 7.5, "mood": 4}}
    assert bad == []


@pytest.mark.parametrize(
    ("cut", "said"),
    [(0.5, "truncated"), (None, "reads columns|reads a column")],
    ids=["cut off", "other columns"],
)
def test_parquet_that_cannot_be_read_says_why(tmp_path: Path, cut: float | None, said: str) -> None:
    path = tmp_path / "diary.parquet"
    pl.DataFrame({"who": [f"person {n}" for n in range(5_000)]}).write_parquet(path)
    if cut:
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])

    with pytest.raises(FileUnusableError, match=said):
        read(path, PARQUET)


def test_csv_given_as_parquet_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileUnusableError, match="not PARQUET but something that begins with"):
        read(a_diary(tmp_path / "diary.parquet", "ana,2026-03-02,7,4"), PARQUET)
