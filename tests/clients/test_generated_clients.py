"""Clients that others generate from the OpenAPI document: they compile, know the types, and can call the API."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aurora.settings import PROJECT_DIR, Settings
from infra import node_tools
from infra.virtualenvs import Virtualenv
from serving.description import openapi_json
from tests.clients.typescript import compile_file
from tests.serving.conftest import Account, log_in, quick
from tests.serving.live_server import Server
from tests.serving.routes import ROUTES

PACKAGE = "generated_aurora"
GENERATOR = Virtualenv(
    "openapi-python-client",
    PROJECT_DIR / ".cache" / "openapi-python-client",
    node_tools.TOOLS / "requirements.lock",
)
LEFT_OUT = "Unsupported content type application/x-ndjson"
"""Its clients send batches as JSON."""

SECONDS = 300
"""A busy machine is slow."""

USES_TYPES = """
import type { components, paths } from "./schema.js";

type Me = paths["/api/v1/auth/me"]["get"]["responses"][200]["content"]["application/json"];

export const event: components["schemas"]["LifeEvent"] = {
  event_id: "01920f3e-7b1c-7c30-9a51-6f1c3a7d9e20",
  type: "energy.rated",
  started_at: "2026-03-29T16:30:00+02:00",
  source: { name: "my-app" },
  payload: { energy: 6.5 },
};

export function nameOf(me: Me): string {
  return LINE;
}
"""

USES_PYTHON = """
from generated_aurora import AuthenticatedClient
from generated_aurora.api.auth import read_me
from generated_aurora.models import Problem, UserRead


async def name_of(client: AuthenticatedClient) -> str:
    me = await read_me.asyncio(client=client)
    if isinstance(me, UserRead):
        return LINE
    return me.code if isinstance(me, Problem) else ""
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_text(openapi_json())
    return file


@pytest.fixture(scope="module")
def typescript(document: Path) -> Path:
    """A folder with the types of the document."""
    # Without the flag whatever has a default would have to be sent.
    out = ("-o", str(document.with_name("schema.d.ts")), "--default-non-nullable", "false")
    done = node_tools.run("openapi-typescript", str(document), *out)
    assert done.returncode == 0, done.stderr
    (document.parent / "package.json").write_text('{"type": "module"}')
    return document.parent


@pytest.fixture(scope="module")
def python(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Python client of the document. The generator warns of what it leaves out."""
    folder = tmp_path_factory.mktemp("generated")
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"package_name_override": PACKAGE, "post_hooks": []}))
    done = run(
        GENERATOR.install(),
        *("openapi_python_client", "generate", "--path", document, "--config", settings, "--meta", "none"),
        *("--output-path", folder / PACKAGE),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^WARNING.*\s+(.*)", done.stderr, re.MULTILINE) == [LEFT_OUT], done.stderr
    return folder


def run(
    python: str | Path, module: str, *arguments: str | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-m", module, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "is_right"),
    [
        ("me.display_name ?? me.username", True),
        ("me.display_name", False),
        ("me.nickname", False),
    ],
)
def test_typescript_knows_the_types(typescript: Path, line: str, is_right: bool) -> None:
    file = typescript / "usage.ts"
    file.write_text(USES_TYPES.replace("LINE", line))

    said = compile_file(file)

    assert (said == "") is is_right, said


def test_typescript_has_every_operation(typescript: Path) -> None:
    types = (typescript / "schema.d.ts").read_text()

    missing = [path for path in {route.split(" ")[1] for route in ROUTES} if f'"{path}":' not in types]
    assert missing == []


def errors_of(folder: Path, *files: str) -> list[str]:
    """What pyright finds in these files."""
    arguments = ["--outputjson", "--pythonpath", sys.executable, *files]
    done = run(sys.executable, "pyright", *arguments, cwd=folder)
    found: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    return [f"{each['file']}: {each['message']}" for each in found if each["severity"] == "error"]


def test_python_has_every_operation_and_its_types_hold(python: Path) -> None:
    (python / "usage.py").write_text(USES_PYTHON.replace("LINE", "me.display_name or me.username"))
    (python / "wrong.py").write_text(USES_PYTHON.replace("LINE", "me.nickname"))

    modules = [file for file in python.glob(f"{PACKAGE}/api/*/*.py") if file.name != "__init__.py"]
    assert len(modules) == len(ROUTES)
    assert errors_of(python, PACKAGE, "usage.py") == []
    assert [error for error in errors_of(python, "wrong.py") if "nickname" in error]


@pytest.fixture(scope="module")
async def server(settings: Settings) -> AsyncIterator[Server]:
    async with Server(settings, quick()).run() as server:
        yield server


@pytest.fixture
async def ada(server: Server) -> Account:
    async with httpx.AsyncClient(base_url=server.url) as http:
        return await log_in(http)


async def test_the_python_client_calls_the_api(
    python: Path, server: Server, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(python)
    generated = importlib.import_module(PACKAGE)
    read_me = importlib.import_module(f"{PACKAGE}.api.auth.read_me")

    async with generated.AuthenticatedClient(server.url, token=ada.tokens["access_token"]) as client:
        me = await read_me.asyncio(client=client)
    async with generated.AuthenticatedClient(server.url, token="x") as client:
        refused = await read_me.asyncio(client=client)

    assert (me.username, str(me.user_id)) == (ada.username, ada.user_id)
    assert refused.code == "token-invalid"
