"""Every mutation writes one row, in its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import typer
from psycopg.rows import dict_row
from typer.testing import CliRunner

from aurora.settings import Settings
from serving.audit.actors import CALLER, SYSTEM
from serving.audit.catalogue import ACTIONS
from serving.audit.recording import PUBLIC, new_row, record, state_hash
from serving.commands import register
from tests.serving.audit.mutations import MUTATIONS, NEW_PASSWORD, NOT_AUDITED, WITHOUT_ROUTE, Situation
from tests.serving.conftest import DATA_KEY, NOWHERE, PASSWORD, Account, a_name, log_in
from tests.serving.test_authorisation import documented, with_role
from tests.serving.webhooks.networks import running_where_every_host_is_public

ME = "/api/v1/auth/me"

app = typer.Typer()
register(app)


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running_where_every_host_is_public(settings) as client:
        yield client


@pytest.fixture
async def situation(client: httpx.AsyncClient, api_database: str) -> Situation:
    admin = await with_role(client, api_database, "admin")
    return await Situation(client, api_database, await log_in(client), admin).prepare()


def a_request_id() -> str:
    return uuid.uuid4().hex


def rows_of(url: str, request_id: str) -> list[dict[str, Any]]:
    with psycopg.connect(url) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(
            "select * from app.audit where request_id = %s order by audit_id", (request_id,)
        ).fetchall()


def everything(url: str) -> dict[str, str | None]:
    """What is in every table that a mutation can change, as a digest. When a key was last used is no mutation."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "select schemaname || '.' || tablename from pg_tables"
            " where schemaname = 'app' or (schemaname, tablename) = ('raw', 'rejected_events')"
        ).fetchall()
        digests = {}
        for (name,) in names:
            query: Any = (
                "select md5(string_agg(content, '' order by content)) from"
                f" (select (to_jsonb(found) - 'last_used_at')::text as content from {name} as found) as rows"
            )
            digests[name] = connection.execute(query).fetchall()[0][0]
    return digests


def test_every_route_that_changes_something_is_audited_or_says_why_not() -> None:
    changing = {route for route in documented() if route.split(" ")[0] not in {"GET", "HEAD", "OPTIONS"}}

    assert changing == MUTATIONS.keys() | NOT_AUDITED.keys()
    assert not MUTATIONS.keys() & NOT_AUDITED.keys()
    assert {mutation.action for mutation in MUTATIONS.values()} | WITHOUT_ROUTE == ACTIONS.keys()


@pytest.mark.parametrize("route", MUTATIONS)
async def test_a_mutation_writes_one_row_that_says_who_did_what_to_whom(
    situation: Situation, route: str
) -> None:
    mutation, request_id = MUTATIONS[route], a_request_id()

    answer = await situation.perform(route, request_id)

    assert answer.is_success, answer.text
    [row] = rows_of(situation.owner_url, request_id)
    assert (row["action"], row["actor_kind"]) == (mutation.action, mutation.actor_kind)
    if mutation.is_of_ada:
        assert str(row["subject_user_id"]) == situation.ada.user_id
    if mutation.actor_kind == "login":
        actor = situation.admin if mutation.who == "admin" else situation.ada
        assert str(row["actor_id"]) == actor.user_id
        assert row["credential_id"] is not None


@pytest.fixture
def unwritable(api_database: str) -> Iterator[str]:
    """The id of a request whose mutation cannot be written down."""
    request_id = a_request_id()
    refuse: Any = (
        "create function app.refuse_one() returns trigger language plpgsql as"
        " $$ begin raise exception 'not this one'; end $$;"
        " create trigger refuse_one before insert on app.audit for each row"
        f" when (new.request_id = '{request_id}') execute function app.refuse_one()"
    )
    with psycopg.connect(api_database, autocommit=True) as connection:
        connection.execute(refuse)
        yield request_id
        connection.execute("drop function app.refuse_one() cascade")


@pytest.mark.parametrize("route", MUTATIONS)
async def test_what_cannot_be_written_down_is_not_done(
    situation: Situation, unwritable: str, route: str
) -> None:
    before = everything(situation.owner_url)

    answer = await situation.perform(route, unwritable)

    assert answer.status_code == 500, answer.text
    assert everything(situation.owner_url) == before


async def test_a_row_goes_with_the_transaction_of_its_mutation(
    database: psycopg.AsyncConnection[Any],
) -> None:
    async with database.transaction(force_rollback=True):
        await record(database, "password.changed", 1, owner=None, actor=SYSTEM)
        assert len(await (await database.execute("select from app.audit")).fetchall()) == 1

    assert await (await database.execute("select from app.audit")).fetchall() == []


async def test_a_request_that_is_refused_or_repeated_writes_nothing(situation: Situation) -> None:
    client, ada = situation.client, situation.ada
    refused, once, again = a_request_id(), a_request_id(), a_request_id()
    body = {"url": "https://hooks.example.org/c", "event_types": ["events.changed"]}

    await client.patch(ME, json={"tz": "Mars/Olympus"}, headers={**ada.headers, "X-Request-ID": refused})
    for request_id in (once, again):
        headers = {**ada.headers, "Idempotency-Key": "k", "X-Request-ID": request_id}
        answer = await client.post("/api/v1/webhooks", json=body, headers=headers)
        assert answer.status_code == 201, answer.text

    assert [len(rows_of(situation.owner_url, each)) for each in (refused, once, again)] == [0, 1, 0]


async def test_a_key_is_told_from_a_login(situation: Situation) -> None:
    made = await situation.client.post(
        "/api/v1/api-keys", json={"name": "x", "scopes": ["profile:write"]}, headers=situation.ada.headers
    )
    request_id = a_request_id()
    headers = {"Authorization": f"Bearer {made.json()['key']}", "X-Request-ID": request_id}

    await situation.client.patch(ME, json={"units": "imperial"}, headers=headers)

    [row] = rows_of(situation.owner_url, request_id)
    assert (row["actor_kind"], str(row["credential_id"])) == ("key", made.json()["key_id"])
    assert str(row["actor_id"]) == situation.ada.user_id


async def test_a_refresh_token_that_is_used_twice_is_written_down_once(
    client: httpx.AsyncClient, ada: Account, api_database: str
) -> None:
    ids = [a_request_id() for _ in range(3)]
    for request_id in ids:
        await client.post(
            "/api/v1/auth/refresh",
            json={"refresh_token": ada.tokens["refresh_token"]},
            headers={"X-Request-ID": request_id},
        )
        with psycopg.connect(api_database, autocommit=True) as connection:
            connection.execute(
                "update app.sessions set rotated_at = rotated_at - interval '1 hour' where user_id = %s",
                (ada.user_id,),
            )

    first, second, third = (rows_of(api_database, request_id) for request_id in ids)
    assert (first, third) == ([], [])
    [row] = second
    assert (row["action"], row["actor_kind"]) == ("refresh_token.reused", "system")
    assert str(row["subject_user_id"]) == ada.user_id


async def test_hashes_are_those_of_what_the_owner_saw(situation: Situation) -> None:
    client, ada = situation.client, situation.ada
    seen = [(await client.get(ME, headers=ada.headers)).json()]
    hashes = []
    for name in ("Ada", "Countess"):
        request_id = a_request_id()
        headers = {**ada.headers, "X-Request-ID": request_id}
        seen.append((await client.patch(ME, json={"display_name": name}, headers=headers)).json())
        [row] = rows_of(situation.owner_url, request_id)
        hashes.append((row["before_hash"], row["after_hash"]))

    key = situation.data_key()
    first, second, third = (state_hash(key, state) for state in seen)
    assert hashes == [(first, second), (second, third)]


async def test_a_hash_cannot_be_guessed_from_what_is_written_in_the_database(
    client: httpx.AsyncClient, api_database: str
) -> None:
    admin = await with_role(client, api_database, "admin")
    hashes = set()
    for person in [await log_in(client) for _ in range(2)]:
        request_id = a_request_id()
        await client.patch(
            f"/api/v1/admin/users/{person.user_id}",
            json={"role": "analyst"},
            headers={**admin.headers, "X-Request-ID": request_id},
        )
        [row] = rows_of(api_database, request_id)
        hashes.add(row["after_hash"])

    assert len(hashes) == 2
    assert state_hash(PUBLIC, {"role": "analyst"}) not in hashes


def test_commands_of_the_operator_are_written_down(
    api_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURORA_POSTGRES_URL", api_database)
    monkeypatch.setenv("AURORA_REDIS_URL", NOWHERE)
    monkeypatch.setenv("AURORA_DATA_KEY", DATA_KEY)
    monkeypatch.setenv("AURORA_API_BCRYPT_COST", "4")
    name, text = a_name(), f"Maintenance at noon, says {a_name()}."
    for arguments in (
        ["users", "create", "--username", name, "--password", PASSWORD],
        ["users", "set-password", name, "--password", NEW_PASSWORD],
        ["users", "set-role", name, "operator"],
        ["api", "announce", text],
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output

    with psycopg.connect(api_database) as connection:
        rows = connection.execute(
            "select action, actor_kind, actor_id, before_hash is null, after_hash is null from app.audit"
            " inner join app.users on subject_user_id = user_id where username = %s order by audit_id",
            (name,),
        ).fetchall()
        told = connection.execute(
            "select action, actor_kind from app.audit where after_hash = %s",
            (state_hash(PUBLIC, {"text": text}),),
        ).fetchall()
    assert rows == [
        ("account.registered", "command", None, True, False),
        ("password.changed", "command", None, True, True),
        ("role.given", "command", None, False, False),
    ]
    assert told == [("announcement.made", "command")]


def test_a_mutation_of_nobody_has_to_say_whose_it_is() -> None:
    CALLER.set(None)

    with pytest.raises(LookupError):
        new_row("password.changed", UUID(int=1), owner=UUID(int=1))
