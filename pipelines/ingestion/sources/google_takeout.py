"""Google Takeout: Fitbit's and Google Fit's folders in one archive, an unpacked one, or single files of it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from pipelines.ingestion.inspection import MAX_LINE_BYTES
from pipelines.ingestion.sources import fitbit, google_fit
from pipelines.ingestion.sources.archive import ExportFile
from pipelines.ingestion.sources.json_stream import JsonBrokenError, items
from pipelines.ingestion.sources.records import Bad, NotRead, RecordUnreadableError, Row, problem
from pipelines.ingestion.sources.samples import Samples

_HEAD_BYTES: Final = 4_096
_GOOGLE_FIT: Final = re.compile(rb'"(?:dataSourceId|Data Source)"')
_FITBIT: Final = re.compile(
    rb'"(?:dateOfSleep|activities-(?:steps|heart)|activityParentId|bpm|logId)"'
    rb'|^\{\s*"(?:sleep|activities|weight)"\s*:\s*\['
)
_MINUTES: Final = re.compile(
    rb'\s*\[\s*\{\s*"dateTime"\s*:\s*"\d\d/\d\d/\d\d \d\d:\d\d:\d\d"\s*,\s*"value"\s*:', re.DOTALL
)
_HRV_COLUMNS: Final = {"timestamp", "rmssd"}


def is_ours(file: ExportFile) -> bool:
    """Whether this file holds what one of the two vendors writes."""
    head = file.head(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"{", b"[")):
        return bool(_GOOGLE_FIT.search(head) or _FITBIT.search(head) or _MINUTES.match(head))
    return _is_hrv(head)


def read(file: ExportFile, samples: Samples, not_read: NotRead) -> Iterator[Row | Bad]:
    """The rows of one file; what only together makes a row goes to `samples`."""
    if not is_ours(file):
        not_read[file.kind] += 1
        return
    head = file.head(_HEAD_BYTES)
    if _is_hrv(head):
        yield from _hrv(file)
    elif _GOOGLE_FIT.search(head):
        yield from _entries(file, google_fit.GoogleFitEntries(samples, not_read), not_read)
    else:
        yield from _entries(file, fitbit.FitbitEntries(file.place.name, samples, not_read), not_read)


def _entries(
    file: ExportFile, entries: fitbit.FitbitEntries | google_fit.GoogleFitEntries, not_read: NotRead
) -> Iterator[Row | Bad]:
    strange: Counter[str] = Counter()
    try:
        for key, value in items(file.chunks()):
            try:
                yield from entries.take(key, value)
            except KeyError as error:
                # A number or a word beside the records is none.
                if isinstance(value, dict | list):
                    strange[f"{entries.vendor} {error.args[0] or entries_of(file)}"] += 1
            except (RecordUnreadableError, AttributeError, TypeError) as error:
                yield problem(value, error)
    except JsonBrokenError as error:
        yield Bad("undecodable", f"{file.name}: {error}", file.name)
    not_read.update(strange)


def entries_of(file: ExportFile) -> str:
    """What a list's entries are called among those that nothing reads: `badge` of `badge-2020-01-01.json`."""
    return re.sub(r"[-_ ]*\d.*$", "", file.place.stem) or file.place.stem


def _is_hrv(head: bytes) -> bool:
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip()
    return set(first.decode("utf-8", "replace").split(",")) >= _HRV_COLUMNS


def _hrv(file: ExportFile) -> Iterator[Row | Bad]:
    lines = _lines(file)
    for number, cells in enumerate(csv.DictReader(lines), start=2):
        try:
            yield fitbit.hrv_row(cells.get("timestamp") or "", cells.get("rmssd") or "")
        except RecordUnreadableError as error:
            yield problem({"line": number} | _known(cells), error)


def _known(cells: dict[Any, Any]) -> dict[str, Any]:
    return {name: cells.get(name) for name in sorted(_HRV_COLUMNS)}


def _lines(file: ExportFile) -> Iterator[str]:
    rest = b""
    for chunk in file.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (f"{line.decode('utf-8-sig', 'replace')}\n" for line in whole)
        rest = rest[:MAX_LINE_BYTES]
    if rest:
        yield rest.decode("utf-8", "replace")
