"""Running a program as nobody when we are root: Postgres refuses to run as root.

nobody must be able to reach what it runs and where it writes. Where it cannot (a virtualenv or a data folder
below a home of mode 700), binaries and data live in a folder of the system instead.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from infra.errors import PlatformUnsupportedError

SYSTEM_DIR = Path("/var/lib/aurora-life")


def is_root() -> bool:
    return os.geteuid() == 0


def as_nobody() -> list[str]:
    """The start of a command line that drops root; empty for an ordinary user."""
    if not is_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PlatformUnsupportedError(
            "setpriv",
            "Postgres refuses to run as root; install util-linux, or run AURORA as an ordinary user",
        )
    nobody = pwd.getpwnam("nobody")
    return [setpriv, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def is_reachable(path: Path) -> bool:
    """Whether the user that will run Postgres can enter `path` (its nearest parent that exists)."""
    if not is_root():
        return True
    while not path.exists():
        path = path.parent
    return subprocess.run([*as_nobody(), "test", "-x", str(path)], cwd="/", check=False).returncode == 0  # noqa: S603  # fixed program, our own path


@functools.cache
def reachable_dir(wanted: Path) -> Path:
    """`wanted`, or a folder of the system that stands for it when nobody cannot get there."""
    stand_in = SYSTEM_DIR / hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:16]
    # Once data lie in the stand-in they stay there, also when somebody opens the way to `wanted` later.
    if not is_root() or (is_reachable(wanted) and not stand_in.exists()):
        return wanted
    return stand_in


def make_private_dir(path: Path) -> None:
    """Create `path` with mode 700, owned by the user that will run Postgres."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if is_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def reachable_copy(folder: Path, beside: list[Path]) -> Path:
    """`folder` itself, or a copy of it (and of the folders `beside` it) in a place that nobody can read.

    Libraries are found relative to the programs, so the copy keeps the layout below their common parent.
    """
    if is_reachable(folder):
        return folder
    root = Path(os.path.commonpath([folder, *beside]))
    key = hashlib.sha256(f"{folder}{folder.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    copy = SYSTEM_DIR / f"programs-{key}"
    if not copy.exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        for source in (folder, *beside):
            ignored = shutil.ignore_patterns("include", "pgxs", "__pycache__")
            shutil.copytree(source, unfinished / source.relative_to(root), symlinks=True, ignore=ignored)
        for made in (unfinished, *(p for p in unfinished.rglob("*") if p.is_dir())):
            made.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # somebody else was quicker; theirs is the same
            shutil.rmtree(unfinished)
    return copy / folder.relative_to(root)
