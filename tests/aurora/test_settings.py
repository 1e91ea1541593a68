from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from aurora.errors import ServiceNotConfiguredError
from aurora.secrets import derive, role_password
from aurora.settings import load_settings


@pytest.fixture(autouse=True)
def _an_empty_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURORA_DATA_DIR", str(tmp_path / "data"))


def write_run_file(folder: Path, **settings: object) -> None:
    run = folder / "data" / "run"
    run.mkdir(parents=True)
    (run / "settings.json").write_text(json.dumps(settings))


def test_an_argument_outranks_the_environment_the_env_file_and_the_run_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run_file(tmp_path, redis_url="run", mlflow_uri="run", api_url="run", dagster_url="run")
    (tmp_path / ".env").write_text("AURORA_REDIS_URL=file\nAURORA_MLFLOW_URI=file\nAURORA_API_URL=file\n")
    monkeypatch.setenv("AURORA_REDIS_URL", "environment")
    monkeypatch.setenv("AURORA_MLFLOW_URI", "environment")

    settings = load_settings(redis_url="argument")

    assert settings.redis_url == "argument"
    assert settings.mlflow_uri == "environment"
    assert settings.api_url == "file"
    assert settings.dagster_url == "run"


def test_without_a_run_file_nothing_is_configured_and_the_error_says_what_to_do() -> None:
    settings = load_settings()

    with pytest.raises(ServiceNotConfiguredError, match=r"`aurora up`.*AURORA_POSTGRES_URL"):
        settings.need("postgres_url")


def test_a_needed_address_that_is_there_is_returned() -> None:
    assert load_settings(redis_url="redis://localhost").need("redis_url") == "redis://localhost"


def test_files_land_and_addresses_are_kept_below_the_data_folder(tmp_path: Path) -> None:
    settings = load_settings()

    assert settings.landing_dir == tmp_path / "data" / "landing"
    assert settings.run_file == tmp_path / "data" / "run" / "settings.json"


def test_a_run_file_of_a_newer_version_with_more_in_it_still_loads(tmp_path: Path) -> None:
    write_run_file(tmp_path, redis_url="run", moon_phase="full")

    assert load_settings().redis_url == "run"


def test_a_setting_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="api_workers"):
        load_settings(api_workers=0)


def test_derived_keys_are_stable_and_differ_by_purpose_and_by_secret() -> None:
    # HMAC-SHA256, so that the same secret gives the same passwords on every machine and version.
    assert derive("key", "The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )
    assert derive("key", "jwt") != derive("key", "data") != derive("other", "data")
    assert role_password("key", "aurora_serving") == derive("key", "postgres:aurora_serving")
