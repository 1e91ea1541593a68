"""The servers that the write path is compared with, each one worker of the same uvicorn.

    python -c 'from benchmarks.write_servers import serve; serve("noop", 8123)'

`noop` is a bare FastAPI endpoint. `surroundings` is a no-op inside the API: the same middleware, the token and
the rate limit, no work. `orm` is the plain way: one request, one SQLAlchemy session, one commit. `aurora` is the API.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from aurora import clock
from aurora.database.tables import metadata
from aurora.events.acceptance import AcceptedEvent, validate
from aurora.events.ciphertext import note_hash_key
from aurora.events.envelope import LifeEvent
from aurora.settings import load_settings
from aurora.telemetry import configure_logging
from aurora.topics import EVENTS_ACCEPTED
from serving.app import create_app
from serving.auth.tokens import Secrets, TokenReader
from serving.dependencies import CurrentToken
from serving.options import ApiOptions
from serving.protocol import protocol

PATH = "/api/v1/events"


def noop() -> FastAPI:
    app = FastAPI()

    @app.post(PATH, status_code=201)
    async def receive_nothing() -> dict[str, str]:
        return {"outcome": "accepted"}

    return app


def surroundings() -> FastAPI:
    app = create_app()

    @app.post("/api/v1/nothing", status_code=201)
    async def receive_nothing(token: CurrentToken) -> dict[str, str]:
        return {"outcome": "accepted", "user_id": str(token.user_id)}

    return app


def orm() -> FastAPI:
    """A key, a log row and an outbox row by the ORM; no day is touched, nobody asks whether the login is open."""
    from sqlalchemy.orm import registry

    settings = load_settings()
    url = settings.need("postgres_url").replace("postgresql://", "postgresql+psycopg://")
    engine: AsyncEngine = create_async_engine(url, pool_size=settings.postgres_pool_size, max_overflow=0)
    tokens, hash_key = (
        TokenReader(Secrets(settings.need("jwt_secret"))),
        note_hash_key(settings.need("data_key")),
    )
    mappers = registry()
    tables = metadata.tables

    class Key:
        """raw.event_keys"""

    class Logged:
        """raw.events"""

    class Message:
        """raw.outbox"""

    for kind, name in ((Key, "raw.event_keys"), (Logged, "raw.events"), (Message, "raw.outbox")):
        mappers.map_imperatively(kind, tables[name])

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)
    session_of = async_sessionmaker(engine)

    @app.post(PATH, status_code=201)
    async def receive_event(event: LifeEvent, request: Request) -> dict[str, Any]:
        token = tokens.read_access(request.headers["authorization"].removeprefix("Bearer "))
        judged = validate(
            event.model_dump(exclude_unset=True),
            user_id=token.user_id,
            user_tz="UTC",
            received_at=clock.now(),
            hash_key=hash_key,
        )
        if not isinstance(judged, AcceptedEvent):
            return {"outcome": "rejected"}
        async with session_of.begin() as session:
            for kind, table in ((Key, "raw.event_keys"), (Logged, "raw.events")):
                row = kind()
                for column in tables[table].columns:
                    if hasattr(judged, column.name):
                        setattr(row, column.name, getattr(judged, column.name))
                session.add(row)
            message = Message()
            body = {
                "user_id": str(judged.user_id),
                "event_id": str(judged.event_id),
                "version": judged.version,
            }
            for name, value in (("topic", EVENTS_ACCEPTED), ("user_id", judged.user_id), ("body", body)):
                setattr(message, name, value)
            session.add(message)
        return {"outcome": "accepted", "event_id": str(judged.event_id), "local_date": judged.local_date}

    return app


def aurora() -> FastAPI:
    return create_app()


SERVERS: dict[str, Callable[[], FastAPI]] = {
    "noop": noop,
    "surroundings": surroundings,
    "orm": orm,
    "aurora": aurora,
}


def serve(name: str, port: int) -> None:
    """Run the server called `name` until a signal ends it."""
    configure_logging(name, is_busy=True)
    uvicorn.run(SERVERS[name](), host="127.0.0.1", port=port, **protocol(ApiOptions()))
