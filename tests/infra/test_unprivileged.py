"""As root Postgres runs as nobody, also where nobody may not go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.embedded import unprivileged
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.unprivileged import is_reachable, reachable_copy, reachable_dir
from infra.ports import free_port

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def closed_home(service_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that only root can enter; what cannot live there goes to a folder of the test."""
    monkeypatch.setattr(unprivileged, "SYSTEM_DIR", service_dir / "system")
    reachable_dir.cache_clear()
    home = service_dir / "home"
    home.mkdir(mode=0o700)
    return home


def test_a_cluster_below_a_closed_home_lives_elsewhere_and_stays_there(closed_home: Path) -> None:
    postgres = EmbeddedPostgres(closed_home / "postgres", free_port(), "pw", fast=True)
    postgres.start()
    assert postgres.is_ready()
    elsewhere = postgres.cluster_dir
    postgres.stop()

    closed_home.chmod(0o755)
    reachable_dir.cache_clear()

    assert not elsewhere.is_relative_to(closed_home)
    assert postgres.cluster_dir == elsewhere
    postgres.destroy()
    assert not elsewhere.exists()


def test_programs_below_a_closed_home_are_copied_with_their_libraries(closed_home: Path) -> None:
    programs, libraries = closed_home / "wheel" / "bin", closed_home / "wheel.libs"
    programs.mkdir(parents=True)
    libraries.mkdir()
    (programs / "postgres").touch()
    (libraries / "libpq.so").touch()

    copy = reachable_copy(programs, [libraries])

    assert is_reachable(copy)
    assert (copy / "postgres").exists()
    assert (copy.parent.parent / "wheel.libs" / "libpq.so").exists()
    assert reachable_copy(programs, [libraries]) == copy


def test_what_nobody_can_reach_is_used_where_it_is(service_dir: Path) -> None:
    assert reachable_copy(service_dir, []) == service_dir
