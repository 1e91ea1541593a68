"""`/livez /readyz /startupz /metrics`, for machines. Without a log line and without a rate limit."""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from serving.dependencies import Here
from serving.health.metrics import read_metrics
from serving.resources import Resources

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process, and what it depends on. Redis may be away: the API answers without it."""

    status: Literal["ok", "away"] = Field(examples=["ok"])
    postgres: Literal["ok", "away"] | None = Field(default=None, examples=["ok"])
    redis: Literal["ok", "away"] | None = Field(default=None, examples=["ok"])


_SHOWN = {"schema": {"type": "string"}, "example": "active_websocket_connections 7.0\n"}
_NOT_YET: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "Not yet, or not now"}}


@router.get("/livez", response_model=Health, response_model_exclude_none=True)
async def read_liveness() -> Health:
    """Whether the process lives."""
    return Health(status="ok")


@router.get("/readyz", response_model=Health, responses=_NOT_YET)
async def read_readiness(here: Here) -> Response:
    """Whether requests can be answered: Postgres is there and migrated."""
    return await _answer(here)


@router.get("/startupz", response_model=Health, responses=_NOT_YET)
async def read_startup(here: Here) -> Response:
    """Whether the process could answer requests at least once since it started."""
    if here.has_started:
        return JSONResponse(Health(status="ok").model_dump(exclude_none=True))
    return await _answer(here)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": _SHOWN}}})
async def read_process_metrics(here: Here) -> Response:
    """Metrics of all workers, for Prometheus."""
    return Response(read_metrics(here.options.metrics_dir), media_type=CONTENT_TYPE_LATEST)


async def _answer(here: Resources) -> Response:
    postgres = await _postgres_answers(here)
    redis = await here.redis.answers()
    here.has_started = here.has_started or postgres
    health = Health(
        status="ok" if postgres else "away",
        postgres="ok" if postgres else "away",
        redis="ok" if redis else "away",
    )
    return JSONResponse(health.model_dump(), status_code=200 if postgres else 503)


async def _postgres_answers(here: Resources) -> bool:
    try:
        async with here.database.transaction() as connection:
            await connection.execute("select from app.users limit 1")
    except psycopg.Error:
        return False
    return True
