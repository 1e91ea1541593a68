"""What reading is compared with: a bare FastAPI with the same uvicorn, the same driver and the same pool."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row

from aurora.database.connections import pool
from aurora.settings import load_settings
from serving.options import ApiOptions
from serving.protocol import protocol

# The query of GET /events/{id}.
_EVENT = """
    select
        event_id, version, type, schema_version, started_at, ended_at, tz, local_date, precision,
        source_name, source_record_id, source_device, modality, form_id, payload, received_at, known_at
    from raw.current_events
    where user_id = %s and event_id = %s
"""


def bare(body: dict[str, Any]) -> FastAPI:
    settings = load_settings()
    connections = pool(settings.need("postgres_url"), settings.postgres_pool_size)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with connections:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/livez")
    async def live() -> dict[str, str]:
        return {}

    @app.get("/kept")
    async def read_kept() -> dict[str, Any]:
        return body

    @app.get("/query/{user_id}/{event_id}")
    async def read_event(user_id: UUID, event_id: UUID) -> dict[str, Any]:
        async with connections.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_EVENT, (user_id, event_id))
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(404)
        return row

    return app


def serve(body: str, port: int) -> None:
    """Run it until a signal ends it; `body` is the file of the JSON to answer."""
    app = bare(json.loads(Path(body).read_text()))
    uvicorn.run(app, host="127.0.0.1", port=port, **protocol(ApiOptions()))
