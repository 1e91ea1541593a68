"""docs/api.md runs as written, and lists every error there is."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from aurora.settings import Settings
from serving.audit.catalogue import ACTIONS
from serving.auth.scopes import SCOPES
from serving.flags.catalogue import FLAGS
from serving.problem_types import INVALID, STATUS_OF, UNEXPECTED
from tests.serving.conftest import quick
from tests.serving.live_server import Server
from tests.serving.test_authorisation import with_role
from tests.serving.webhooks.networks import PUBLIC, Names

ROLES = ("analyst", "operator", "admin")
TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial uses curl, and there is none")
async def test_the_tutorial_runs_as_written(
    settings: Settings, client: httpx.AsyncClient, api_database: str
) -> None:
    admin = (await with_role(client, api_database, "admin")).tokens["access_token"]
    script = "\n".join(["set -euo pipefail", *re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)])

    async with Server(settings, quick()).run() as server:
        # The host of the webhook: a test asks nobody outside.
        here = server.app.state.resources
        here.destinations = replace(here.destinations, resolve=Names.lead_to(PUBLIC))
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", script,
            env={"API": server.url, "ADMIN": admin, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), 60)

    said = output.decode()
    assert process.returncode == 0, said + errors.decode()
    assert '"outcome":"accepted"' in said.replace(" ", "")
    assert '"code":"unknown_type"' in said.replace(" ", "")
    assert '"model_source":"baseline"' in said
    assert '"type":"webhook.tested"' in said
    assert "/api/v1/ws?ticket=" in said
    assert '"name":"what-if"' in said


def test_the_list_of_errors_is_complete_and_true() -> None:
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", TEXT.split("<!-- errors")[1], re.MULTILINE))

    kinds = {*STATUS_OF.values(), INVALID, UNEXPECTED}
    assert listed == {kind.code: str(kind.status) for kind in kinds}


def test_the_list_of_what_is_audited_is_complete_and_true() -> None:
    table = TEXT.split("<!-- audit")[1].split("<!-- end of audit")[0]
    listed = re.findall(r"^\| `([a-z_]+\.[a-z]+)` \| (.*) \|$", table, re.MULTILINE)

    assert listed == [(action.name, action.means) for action in ACTIONS.values()]


def test_the_list_of_scopes_is_complete_and_true() -> None:
    table = TEXT.split("<!-- scopes")[1].split("<!-- end of scopes")[0]
    listed = re.findall(r"^\| `([a-z:]+)` \| (.*) \| (.*) \|$", table, re.MULTILINE)

    expected = [
        (
            scope.name,
            scope.description + ("" if scope.is_for_keys else "; takes a login"),
            "all" if len(scope.roles) == 4 else ", ".join(role for role in ROLES if role in scope.roles),
        )
        for scope in SCOPES.values()
    ]
    assert listed == expected


def test_the_list_of_feature_flags_is_complete_and_true() -> None:
    table = TEXT.split("<!-- flags")[1].split("<!-- end of flags")[0]
    listed = re.findall(r"^\| `([a-z-]+)` \| (on|off) \| (.*) \|$", table, re.MULTILINE)

    assert listed == [(flag.name, "on" if flag.default else "off", flag.when_off) for flag in FLAGS.values()]
