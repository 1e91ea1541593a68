"""The Node tools: pinned, and of one version with what the clients are built with."""

from __future__ import annotations

import json

from infra.node_tools import TOOLS
from tests.clients.typescript import PACKAGE


def test_every_package_is_locked_by_hash_and_no_address_is_in_the_lock() -> None:
    text = (TOOLS / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    pinned = {name: entry for name, entry in packages.items() if name}

    assert all("integrity" in entry for entry in pinned.values())
    # Nor one of `funding`, which npm writes: take those fields out after a change of versions.
    assert "://" not in text
    assert "node_modules/@redocly/cli" in pinned


def test_the_types_are_checked_by_the_compiler_that_builds_the_client() -> None:
    tools, client = [
        json.loads((folder / "package.json").read_text())["devDependencies"]["typescript"]
        for folder in (TOOLS, PACKAGE)
    ]

    assert tools == client
