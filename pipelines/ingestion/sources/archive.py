"""Archives: the files of an export, whether it is one file, an unpacked folder or a ZIP.

Nothing is ever unpacked: members are read as streams, so a path that leads out of the archive leads nowhere. A
member that swells beyond reason is left alone, a broken one is said, and the others are read.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from pipelines.ingestion.sources.records import Bad

CHUNK_BYTES: Final = 1 << 16
MAX_FILES: Final = 200_000
MAX_RATIO: Final = 200
"""What packs better than this is no diary: Apple's XML packs 1 to 30, a minute of heart rates 1 to 15."""

FREE_BYTES: Final = 100_000_000
"""So much may come out of a member however well it packs."""

_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


class MemberUnreadableError(Exception):
    """A file of the export that cannot be read on."""


class _Whole:
    """What has come out of an archive so far: members that share their bytes swell together."""

    def __init__(self, packed_bytes: int) -> None:
        self.left = FREE_BYTES + MAX_RATIO * packed_bytes


@dataclass(frozen=True)
class _Limit:
    """How much may come out of one member."""

    packed_bytes: int
    whole: _Whole

    def allows(self, count: int, more: int) -> bool:
        self.whole.left -= more
        return count <= FREE_BYTES + MAX_RATIO * self.packed_bytes and self.whole.left >= 0


@dataclass(frozen=True)
class ExportFile:
    """One file of an export."""

    name: str
    """Its path inside the export, with forward slashes."""
    _open: Callable[[], BinaryIO]
    _seen: Callable[[int], None]
    _limit: _Limit | None = None

    @property
    def place(self) -> PurePosixPath:
        return PurePosixPath(self.name)

    @property
    def kind(self) -> str:
        """What to call files like this one: `workout-routes/*.gpx`."""
        parent = self.place.parent.name
        return f"file {parent}/*{self.place.suffix}" if parent else f"file *{self.place.suffix}"

    def head(self, count: int = CHUNK_BYTES) -> bytes:
        """Its first bytes; none when it cannot be read."""
        try:
            with self._open() as stream:
                return stream.read(count)
        except _BROKEN:
            return b""

    def chunks(self) -> Iterator[bytes]:
        """Its content, piece by piece; MemberUnreadableError when it breaks off or swells."""
        count = 0
        try:
            with self._open() as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    count += len(chunk)
                    if self._limit is not None and not self._limit.allows(count, len(chunk)):
                        raise MemberUnreadableError(
                            f"{self.name}: unpacks to more than {MAX_RATIO} times its size; a ZIP bomb is not read"
                        )
                    self._seen(count)
                    yield chunk
        except _BROKEN as error:
            raise MemberUnreadableError(f"{self.name}: cannot be unpacked ({_said(error)})") from error


@dataclass
class Export:
    """The files of an export, in the order of their names, and those that are refused."""

    files: list[ExportFile] = field(default_factory=list)
    refused: list[Bad] = field(default_factory=list)


@contextmanager
def opened_export(path: Path, seen: Callable[[int], None] = lambda _: None) -> Iterator[Export]:
    """The export at `path`. `seen` is told how many bytes of it have been read."""
    if path.is_dir():
        yield _of_folder(path, seen)
    elif is_zip(path):
        with path.open("rb") as raw:
            try:
                archive = zipfile.ZipFile(raw)
            except _BROKEN as error:
                raise MemberUnreadableError(
                    f"the ZIP archive cannot be read ({_said(error)}): is it truncated? Download it again"
                ) from error
            with archive:
                yield _of_archive(archive, path.stat().st_size, seen)
    else:
        yield Export([ExportFile(path.name, lambda: path.open("rb"), seen)])


def is_zip(path: Path) -> bool:
    """Whether it begins as a ZIP does: one that was cut off has lost its end, not its beginning."""
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


def _of_folder(folder: Path, seen: Callable[[int], None]) -> Export:
    export, before = Export(), 0
    for path in sorted(islice(_files_below(folder), MAX_FILES)):
        export.files.append(
            ExportFile(path.relative_to(folder).as_posix(), _opener(path), _counted_from(before, seen))
        )
        before += path.stat().st_size
    return export


def _files_below(folder: Path) -> Iterator[Path]:
    """Real files only: a link might lead anywhere."""
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in names:
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink() and not name.startswith("."):
                yield path


def _of_archive(archive: zipfile.ZipFile, size: int, seen: Callable[[int], None]) -> Export:
    export, before, whole = Export(), 0, _Whole(size)
    members = sorted(archive.infolist()[:MAX_FILES], key=lambda member: member.filename)
    for member in members:
        if member.is_dir() or member.filename.startswith("__MACOSX/"):
            continue
        if problem := _refusal(member):
            export.refused.append(
                Bad("undecodable", f"{member.filename[:200]}: {problem}", member.filename[:200])
            )
            continue
        export.files.append(
            ExportFile(
                member.filename,
                _member_opener(archive, member),
                _share_of(before, member, seen),
                _Limit(member.compress_size, whole),
            )
        )
        before += member.compress_size
    if len(archive.infolist()) > MAX_FILES:
        export.refused.append(Bad("too_large", f"more than {MAX_FILES:,} files: the others are not read"))
    return export


def _refusal(member: zipfile.ZipInfo) -> str | None:
    place = PurePosixPath(member.filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts or ":" in place.parts[0]:
        return "its path leads out of the archive"
    if member.flag_bits & 0x1:
        return "it is locked with a password: unpack it first"
    return None


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def _member_opener(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: archive.open(member)  # type: ignore[return-value]  # an IO[bytes]


def _counted_from(before: int, seen: Callable[[int], None]) -> Callable[[int], None]:
    return lambda count: seen(before + count)


def _share_of(before: int, member: zipfile.ZipInfo, seen: Callable[[int], None]) -> Callable[[int], None]:
    """Progress is told in bytes of the archive: the same share of the member's packed bytes."""
    packed, plain = member.compress_size, max(1, member.file_size)
    return lambda count: seen(before + packed * min(count, plain) // plain)


def _said(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
