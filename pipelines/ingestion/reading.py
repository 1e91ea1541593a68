"""Reading: the rows of a file as JSON, in chunks, with what cannot be a row set aside.

Memory is bounded by a chunk and by MAX_LINE_BYTES, whatever the file. A row is numbered as it stands in the
file, from 1; a bad row never takes its neighbours with it. What makes the whole file unusable (another
encoding, a broken Parquet footer) is raised before the first row is given out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.ingestion.errors import FileUnusableError
from pipelines.ingestion.inspection import BOM, MAX_LINE_BYTES, check_columns, check_kind, read_header
from pipelines.ingestion.lines import bounded_lines
from pipelines.ingestion.mapping import Mapping
from pipelines.ingestion.records import ROW_NUMBER, BadRow, clean_copy

if TYPE_CHECKING:
    import polars as pl

CHUNK_ROWS: Final = 20_000
KEPT_BYTES: Final = 10_000
"""Of a row that cannot be read, this much is kept in the dead letter."""

Seen = Callable[[int], None]
"""Told how many bytes of the file have been read so far."""


@dataclass(slots=True)
class Chunk:
    """Some rows of a file: number and JSON text of each, and those that are none."""

    rows: list[tuple[int, str]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.bad)


def read_chunks(path: Path, mapping: Mapping, seen: Seen = lambda _: None) -> Iterator[Chunk]:
    """The rows of the file in order. FileUnusableError when it is not what the mapping reads."""
    check_kind(path, mapping)
    if mapping.format == "ndjson":
        return _read_ndjson(path, seen)
    if mapping.format == "parquet":
        return _read_parquet(path, mapping, seen)
    return _read_csv(path, mapping, seen)


def _read_csv(path: Path, mapping: Mapping, seen: Seen) -> Iterator[Chunk]:
    import polars as pl

    header = read_header(path, mapping)
    with tempfile.TemporaryDirectory(prefix="aurora-import-") as folder:
        # The whole file is looked at before a row is given out: a wrong encoding may show at its end only.
        copy, aside = Path(folder) / "rows.csv", Path(folder) / "bad.ndjson"
        with aside.open("w", encoding="utf-8") as out:
            for bad in clean_copy(path, copy, mapping, header, seen):
                out.write(json.dumps(asdict(bad)) + "\n")
        with aside.open(encoding="utf-8") as lines:
            while some := [BadRow(**json.loads(line)) for line in islice(lines, CHUNK_ROWS // 20)]:
                yield Chunk(bad=some)
        frames = pl.scan_csv(
            copy, infer_schema=False, separator=mapping.delimiter, empty_string_is_null=True
        ).collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
        for frame in frames:
            numbers = [int(number) for number in frame[ROW_NUMBER].to_list()]
            yield _chunk_of(zip(numbers, _as_json(frame.drop(ROW_NUMBER)), strict=True))


def _read_parquet(path: Path, mapping: Mapping, seen: Seen) -> Iterator[Chunk]:
    import polars as pl
    from polars.exceptions import PolarsError

    number = 0
    try:
        rows = pl.scan_parquet(path)
        columns = rows.collect_schema().names()
        check_columns(path, mapping, columns)
        # Bytes have no place in JSON, and no mapping reads them.
        rows = rows.select(~pl.selectors.binary())
        for frame in rows.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
            lines = _as_json(frame)
            yield _chunk_of(enumerate(lines, start=number + 1))
            number += len(lines)
    except (PolarsError, OSError) as error:
        where = f"after row {number}" if number else "at its footer"
        raise FileUnusableError(
            path, f"the Parquet file cannot be read {where}: is it truncated? ({_first_line(error)})"
        ) from error
    seen(path.stat().st_size)


def _chunk_of(rows: Iterable[tuple[int, str]]) -> Chunk:
    chunk = Chunk()
    for number, line in rows:
        if "\\u0000" in line:
            # Only a Parquet file can hold it here; Postgres takes no zero character.
            chunk.bad.append(
                BadRow(number, "undecodable", "the row holds a zero character", line[:KEPT_BYTES])
            )
        else:
            chunk.rows.append((number, line))
    return chunk


def _read_ndjson(path: Path, seen: Seen) -> Iterator[Chunk]:
    chunk, number = Chunk(), 0
    with path.open("rb") as file:
        for raw in bounded_lines(file, MAX_LINE_BYTES):
            number += 1
            line = raw.removeprefix(BOM) if number == 1 else raw
            if not line.strip():
                continue
            if len(raw) > MAX_LINE_BYTES:
                reason = f"the line is longer than {MAX_LINE_BYTES:,} bytes"
                chunk.bad.append(BadRow(number, "too_large", reason, _kept(line)))
            else:
                _take_object(chunk, number, line)
            if len(chunk) >= CHUNK_ROWS:
                seen(file.tell())
                yield chunk
                chunk = Chunk()
        seen(file.tell())
    yield chunk


def _take_object(chunk: Chunk, number: int, line: bytes) -> None:
    try:
        text = line.decode("utf-8").strip()
        body = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if "\\u" in text:
            # Postgres takes neither half a surrogate pair nor a zero character in jsonb.
            text = json.dumps(body, ensure_ascii=False)
            text.encode()
            if "\\u0000" in text:
                raise ValueError("it holds a zero character")
    except (ValueError, RecursionError) as error:
        chunk.bad.append(
            BadRow(number, "undecodable", f"not a JSON object: {_first_line(error)}", _kept(line))
        )
        return
    if not isinstance(body, dict):
        chunk.bad.append(BadRow(number, "undecodable", "a JSON value, but not an object", _kept(line)))
        return
    chunk.rows.append((number, text))


def _as_json(frame: pl.DataFrame) -> list[str]:
    return frame.write_ndjson().split("\n")[:-1]


def _kept(line: bytes) -> str:
    return line[:KEPT_BYTES].decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\x00", "\\x00")


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
