"""Archives: hostile and broken ones say so, and cost no other file."""

from __future__ import annotations

import zipfile
from itertools import chain, islice
from pathlib import Path

import pytest

from pipelines.ingestion.errors import FileUnusableError
from pipelines.ingestion.recognition import recognise
from pipelines.ingestion.sources import archive as module
from pipelines.ingestion.sources.archive import opened_export
from tests.pipelines.ingestion.exports import a_record, a_zip, apple_export, apple_xml, read

XML = "apple_health_export/export.xml"


def steps(path: Path) -> tuple[list[int], list[str]]:
    rows, bad, _ = read(path)
    return [row["steps"] for row in rows], [part.reason for part in bad]


def test_archive_folder_and_document_give_the_same_rows(tmp_path: Path) -> None:
    document = apple_export(tmp_path / "export.xml", a_record())
    archive = apple_export(tmp_path / "export.zip", a_record())
    folder = tmp_path / "apple_health_export"
    folder.mkdir()
    (folder / "export.xml").write_text(apple_xml(a_record()))

    assert read(document)[:2] == read(archive)[:2] == read(folder)[:2]


def test_name_of_the_document_is_the_languages_own(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "datos.zip", {"apple_health_export/exportación.xml": apple_xml(a_record())})

    assert steps(path) == ([100], [])


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b.xml", "C:/windows/x", "..\\x"]
)
def test_path_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = a_zip(tmp_path / "export.zip", {XML: apple_xml(a_record()), name: "x"})

    assert steps(path) == ([100], [f"{name}: its path leads out of the archive"])
    assert [file.name for file in tmp_path.iterdir()] == ["export.zip"]


def test_bomb_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_BYTES", 1_000_000)
    bomb = apple_xml(a_record()).replace("</HealthData>", " " * 30_000_000)
    path = a_zip(tmp_path / "export.zip", {XML: bomb, "b/export.xml": apple_xml(a_record(sourceName="B"))})
    with opened_export(path) as export:
        bounded = islice(export.files[0].chunks(), 10_000_000 // module.CHUNK_BYTES)
        with pytest.raises(module.MemberUnreadableError, match="ZIP bomb"):
            list(bounded)

    assert any("bomb" in reason or "longer than" in reason for reason in steps(path)[1])


def test_members_that_share_their_bytes_swell_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FREE_BYTES", 1_000_000)
    monkeypatch.setattr(module, "MAX_RATIO", 10)
    path = a_zip(tmp_path / "export.zip", {f"{n}.txt": "x" * 900_000 for n in range(20)})

    with opened_export(path) as export, pytest.raises(module.MemberUnreadableError, match="ZIP bomb"):
        list(chain.from_iterable(file.chunks() for file in export.files))


def test_broken_member_keeps_what_came_before_and_the_other_files(tmp_path: Path) -> None:
    records = [a_record(startDate=f"2024-01-{day:02} 08:00:00 +0100", value=str(day)) for day in range(1, 29)]
    path = a_zip(
        tmp_path / "export.zip",
        {
            "a/export.xml": apple_xml(*records * 2_000),
            "b/export.xml": apple_xml(a_record(startDate="2023-01-15 08:00:00 +0100")),
        },
    )
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        middle = archive.getinfo("a/export.xml").compress_size // 2
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)

    counted, reasons = steps(path)

    assert 100 in counted
    assert any("a/export.xml: cannot be unpacked" in reason for reason in reasons)


def test_archive_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.zip", a_record())
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(FileUnusableError, match="is it truncated"):
        recognise(path)


def test_locked_member_is_said(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "export.zip", {XML: apple_xml(a_record()), "locked.json": "{}"})
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    path.write_bytes(content)

    assert steps(path)[1] == ["locked.json: it is locked with a password: unpack it first"]


def test_links_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = apple_export(tmp_path / "secret.xml", a_record())
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "export.xml").symlink_to(secret)

    with pytest.raises(FileUnusableError, match="nothing here knows this"):
        recognise(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n",
        b"<html></html>",
        b"",
        b"a,b\n1,2\n",
        b'{"some": "json"}',
        b"[1, 2]",
        b"PK\x05\x06" + bytes(18),
    ],
)
def test_unknown_content_says_what_is_recognised(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "export.xml"
    path.write_bytes(content)

    with pytest.raises(FileUnusableError) as raised:
        recognise(path)
    for name in ("Apple Health", "Fitbit", "Google Fit", "Daylio", "NDJSON", "--mapping"):
        assert name in str(raised.value)


def test_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileUnusableError, match="there is no file"):
        recognise(tmp_path / "no.zip")


def test_progress_reaches_the_size_of_the_archive(tmp_path: Path) -> None:
    path = apple_export(tmp_path / "export.zip", *(a_record(value=str(n)) for n in range(5_000)))
    seen = []
    with opened_export(path, seen.append) as export:
        for file in export.files:
            list(file.chunks())
    with zipfile.ZipFile(path) as archive:
        packed = sum(member.compress_size for member in archive.infolist())

    assert seen == sorted(seen)
    assert seen[-1] == packed
