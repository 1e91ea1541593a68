"""The OpenAPI and AsyncAPI documents, without any service running."""

from __future__ import annotations

import json
from typing import Any, Final

from aurora.settings import Settings
from serving.app import create_app
from serving.live.asyncapi import asyncapi
from serving.options import ApiOptions

# Addresses that nobody connects to: a description needs none.
_NOWHERE: Final = {
    "postgres_url": "postgresql://nobody@127.0.0.1:1/nothing",
    "redis_url": "redis://127.0.0.1:1/0",
    "jwt_secret": "0" * 64,
    "data_key": "0" * 64,
}


def openapi_json() -> str:
    """The OpenAPI document as JSON, with a line end."""
    app = create_app(Settings.model_validate(_NOWHERE), ApiOptions())
    return _as_text(app.openapi())


def asyncapi_json() -> str:
    """The AsyncAPI document as JSON, with a line end."""
    return _as_text(asyncapi())


def _as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
