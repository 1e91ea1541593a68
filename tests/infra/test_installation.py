"""An installation remembers its secret and its ports, and keeps them to itself."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from infra.errors import DataFolderError
from infra.installation import Installation, given_settings, open_installation
from infra.ports import choose_ports, free_port


def opened(data_dir: Path) -> Installation:
    return open_installation(given_settings(data_dir=data_dir))


def test_secret_and_ports_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "data"), opened(tmp_path / "data")

    assert second.secret_key == first.secret_key
    assert second.ports == first.ports


def test_nobody_else_can_read_the_secret(tmp_path: Path) -> None:
    here = opened(tmp_path / "data")

    assert stat.S_IMODE((here.data_dir / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(here.run_dir.stat().st_mode) == 0o700


def test_data_whose_secret_is_lost_are_left_alone(tmp_path: Path) -> None:
    here = opened(tmp_path / "data")
    (here.data_dir / "postgres").mkdir()
    (here.data_dir / "secrets.json").unlink()

    with pytest.raises(DataFolderError, match=r"secrets\.json is gone"):
        opened(tmp_path / "data")


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataFolderError, match="AURORA_DATA_DIR"):
        opened(tmp_path / "file" / "data")


def test_a_setting_of_an_earlier_start_is_not_taken_for_an_external_service(tmp_path: Path) -> None:
    here = opened(tmp_path / "data")
    (here.run_dir / "settings.json").write_text(json.dumps(here.run_settings()))

    assert opened(tmp_path / "data").postgres is not None


def test_the_run_file_holds_the_fields_of_the_settings_and_no_other(tmp_path: Path) -> None:
    here = opened(tmp_path / "data")

    assert set(here.run_settings()) <= set(type(here.given).model_fields)


def test_a_port_that_is_free_is_kept() -> None:
    port = free_port()

    assert choose_ports({"serving": port}, {"serving": 1}) == {"serving": port}


def test_the_usual_port_is_taken_when_it_is_free() -> None:
    port = free_port()

    assert choose_ports({}, {"serving": port}) == {"serving": port}


def test_a_port_that_somebody_else_took_gives_way_to_another() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]

        chosen = choose_ports({"serving": taken}, {"serving": taken})

    assert chosen["serving"] != taken


def test_no_two_services_get_one_port() -> None:
    port = free_port()

    chosen = choose_ports({}, {"serving": port, "mlflow": port})

    assert len(set(chosen.values())) == 2
