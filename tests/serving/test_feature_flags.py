"""Feature flags: switched by administrators, for everybody or for some, and asked of nobody."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import structlog
from fastapi import FastAPI
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from aurora.settings import Settings
from serving.app import create_app
from serving.audit.recording import PUBLIC, own_key, state_hash
from serving.auth.people import Person
from serving.flags.asking import Flags
from serving.flags.catalogue import FLAGS, Flag
from serving.flags.targeting import Asker, Rule, Setting, decide
from tests.architecture.test_catalogues import is_a_sentence
from tests.serving.conftest import DATA_KEY, PASSWORD, Account, a_name, log_in, quick, running
from tests.serving.live_server import until
from tests.serving.test_authorisation import with_role
from tests.serving.test_failures import gate_to

PATH = "/api/v1/admin/feature-flags"
WHAT_IF = "/api/v1/predictions/what-if"
ASKED = {"target": "energy", "changes": [{"change": "sleep_minutes", "value": 480}]}
ADA, BEA = str(UUID(int=1)), str(UUID(int=2))
NEW = Flag("new-thing", "There is no new thing.")


def on_for(*rules: dict[str, Any]) -> Setting:
    return Setting.model_validate({"is_on": True, "rules": list(rules)})


def is_in(setting: Setting, user_id: str, flag: Flag = NEW) -> bool:
    return decide(flag, setting, Asker(user_id))[0]


# --- deciding -----------------------------------------------------------------------------------------------


def test_a_flag_is_named_in_kebab_case_and_says_what_happens_when_it_is_off() -> None:
    for flag in FLAGS.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", flag.name)
        assert is_a_sentence(flag.when_off.lstrip("`")), flag.name


@pytest.mark.parametrize(
    ("setting", "asker", "expected"),
    [
        (None, Asker(ADA), (True, Reason.DEFAULT)),
        (Setting(is_on=True), Asker(), (True, Reason.STATIC)),
        (Setting(is_on=False), Asker(ADA), (False, Reason.DISABLED)),
        (Setting(is_on=False, rules=[Rule()]), Asker(ADA), (False, Reason.DISABLED)),
        (on_for({"roles": ["admin", "operator"]}), Asker(ADA, "operator"), (True, Reason.TARGETING_MATCH)),
        (on_for({"roles": ["admin"]}), Asker(ADA, "user"), (False, Reason.DEFAULT)),
        (on_for({"cohorts": ["demo"]}), Asker(ADA, "user", "demo"), (True, Reason.TARGETING_MATCH)),
        (on_for({"cohorts": ["demo"]}), Asker(ADA, "user", "real"), (False, Reason.DEFAULT)),
        (on_for({"user_ids": [ADA]}), Asker(ADA), (True, Reason.TARGETING_MATCH)),
        (on_for({"user_ids": [ADA]}), Asker(BEA), (False, Reason.DEFAULT)),
        # All that a rule names has to hold.
        (on_for({"roles": ["admin"], "cohorts": ["demo"]}), Asker(ADA, "admin"), (False, Reason.DEFAULT)),
        # The first that is about somebody decides.
        (on_for({"user_ids": [ADA], "percentage": 0}, {}), Asker(ADA), (False, Reason.TARGETING_MATCH)),
        (on_for({"user_ids": [ADA], "percentage": 0}, {}), Asker(BEA), (True, Reason.TARGETING_MATCH)),
        (on_for({}, {"user_ids": [ADA], "percentage": 0}), Asker(ADA), (True, Reason.TARGETING_MATCH)),
        # Nothing is known of a visitor, who is in no share of people.
        (on_for({}), Asker(), (True, Reason.TARGETING_MATCH)),
        (on_for({"roles": ["user"]}), Asker(), (False, Reason.DEFAULT)),
        (on_for({"percentage": 99.9}), Asker(), (False, Reason.DEFAULT)),
    ],
)
def test_rules_say_for_whom_a_flag_is_on(
    setting: Setting | None, asker: Asker, expected: tuple[bool, Reason]
) -> None:
    assert decide(NEW, setting, asker) == expected


def test_a_share_of_people_is_as_large_as_it_says_and_always_the_same() -> None:
    people = [str(uuid.UUID(int=number)) for number in range(10_000)]
    tenth = on_for({"percentage": 10})
    chosen = {user_id for user_id in people if is_in(tenth, user_id)}

    # Four standard deviations.
    assert abs(len(chosen) - 1_000) < 120
    assert chosen == {user_id for user_id in people if is_in(tenth, user_id)}
    assert decide(NEW, tenth, Asker(ADA))[1] is Reason.SPLIT
    other = {user_id for user_id in people if is_in(tenth, user_id, Flag("other-thing", "…"))}
    assert len(chosen & other) < 160


def test_a_larger_share_has_everybody_who_was_in_the_smaller() -> None:
    people = [str(uuid.UUID(int=number)) for number in range(10_000)]
    before: set[str] = set()
    for percentage in (0, 0.5, 1, 10, 11, 50, 99, 100):
        now = {user_id for user_id in people if is_in(on_for({"percentage": percentage}), user_id)}

        assert before <= now
        assert abs(len(now) - 100 * percentage) < 200
        before = now


# --- setting ------------------------------------------------------------------------------------------------


@dataclass
class Here:
    """An API over a database of its own, and an administrator."""

    app: FastAPI
    client: httpx.AsyncClient
    settings: Settings
    owner_url: str
    admin: Account

    @property
    def flags(self) -> Flags:
        return self.app.state.resources.flags

    async def ask(self, method: str, name: str = "", body: Any = None, **headers: str) -> httpx.Response:
        path = f"{PATH}/{name}" if name else PATH
        return await self.client.request(method, path, json=body, headers={**self.admin.headers, **headers})

    async def set(self, name: str, **change: Any) -> dict[str, Any]:
        answer = await self.ask("PATCH", name, change)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def execute(self, query: str, *values: object) -> list[Any]:
        """As somebody at psql."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def own(settings: Settings, committed_database: str, role_url: Callable[..., str]) -> Settings:
    return settings.model_copy(update={"postgres_url": role_url("aurora_serving", committed_database)})


@pytest.fixture
async def here(own: Settings, committed_database: str) -> AsyncIterator[Here]:
    app = create_app(own, quick())
    async with running(app) as client:
        admin = await with_role(client, committed_database, "admin")
        yield Here(app, client, own, committed_database, admin)


async def test_a_flag_is_set_read_and_reset(here: Here) -> None:
    untouched = (await here.ask("GET")).json()

    told = await here.set("what-if", rules=[{"roles": ["admin", "user", "admin"], "percentage": 10}])

    assert [flag["name"] for flag in untouched] == list(FLAGS)
    assert {(flag["is_on"], flag["updated_at"]) for flag in untouched} == {(True, None)}
    [rule] = told["rules"]
    assert (rule["roles"], rule["cohorts"], rule["percentage"]) == (["admin", "user"], None, 10)
    assert told["is_on"]
    assert (await here.ask("GET", "what-if")).json() == told
    assert (await here.set("what-if", is_on=False))["rules"] == told["rules"]
    assert (await here.ask("DELETE", "what-if")).status_code == 204
    assert (await here.ask("GET")).json() == untouched


async def test_the_worker_that_took_a_change_goes_by_it_at_once(here: Here) -> None:
    for is_on in (False, True, False):
        await here.set("response-cache", is_on=is_on)
        assert here.flags.is_on("response-cache") is is_on

    await here.ask("DELETE", "response-cache")
    assert here.flags.is_on("response-cache")


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"rules": [{"percentage": 101}]}, "body.rules.0.percentage"),
        ({"rules": [{"percentage": -1}]}, "body.rules.0.percentage"),
        ({"rules": [{}, {"percentage": "10"}]}, "body.rules.1.percentage"),
        ({"rules": [{"percentage": True}]}, "body.rules.0.percentage"),
        ({"rules": [{"roles": ["king"]}]}, "body.rules.0.roles.0"),
        ({"rules": [{"roles": []}]}, "body.rules.0.roles"),
        ({"rules": [{"cohorts": ["\x00"]}]}, "body.rules.0.cohorts.0"),
        ({"rules": [{"user_ids": ["ada"]}]}, "body.rules.0.user_ids.0"),
        ({"rules": [{"countries": ["NO"]}]}, "body.rules.0"),
        ({"rules": [{}] * 21}, "body.rules"),
        ({"rules": None}, "body.rules"),
        ({"is_on": "yes"}, "body.is_on"),
        ({"is_on": None}, "body.is_on"),
        ({"name": "other"}, "body"),
        ({}, "body"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_says_where(here: Here, body: Any, location: str) -> None:
    answer = await here.ask("PATCH", "what-if", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
    assert location in [flaw["location"] for flaw in answer.json()["errors"]]
    assert here.execute("select from app.feature_flags") == []


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_flag_that_there_is_not_is_not_found(here: Here, method: str) -> None:
    answer = await here.ask(method, "teleport", {"is_on": True} if method == "PATCH" else None)

    assert (answer.status_code, answer.json()["code"]) == (404, "feature-flag-unknown")


async def test_what_is_asked_before_anybody_is_known_takes_no_rules(here: Here) -> None:
    answer = await here.ask("PATCH", "registration", {"rules": [{"percentage": 50}]})

    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")
    assert here.execute("select from app.feature_flags") == []


async def test_a_flag_is_changed_while_it_is_still_what_was_seen(here: Here) -> None:
    seen = (await here.ask("GET", "what-if")).headers["etag"]
    known = {"If-None-Match": seen}
    assert (await here.ask("GET", "what-if", **known)).status_code == 304

    if_seen = {"If-Match": seen}
    both = await asyncio.gather(
        *(here.ask("PATCH", "what-if", {"is_on": is_on}, **if_seen) for is_on in (True, False))
    )

    assert sorted(answer.status_code for answer in both) == [200, 412]
    late = await here.ask("DELETE", "what-if", **if_seen)
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    now = (await here.ask("GET", "what-if")).headers["etag"]
    assert now == next(answer for answer in both if answer.is_success).headers["etag"]
    assert (await here.ask("DELETE", "what-if", **{"If-Match": now})).status_code == 204


async def test_what_was_done_to_a_flag_is_in_the_audit_trail(here: Here) -> None:
    await here.set("what-if", is_on=False)
    await here.set("what-if", is_on=True, rules=[{"cohorts": ["demo"]}])
    await here.ask("DELETE", "what-if")
    # Nothing is set: nothing is done.
    await here.ask("DELETE", "what-if")

    rows = here.execute(
        "select action, actor_id::text, subject_user_id, before_hash, after_hash from app.audit"
        " where subject_id = 'what-if' order by audit_id"
    )
    states = (Setting(is_on=False), on_for({"cohorts": ["demo"]}))
    off, demo = (state_hash(own_key(DATA_KEY), state) for state in states)
    actor = here.admin.user_id
    assert rows == [
        ("feature_flag.changed", actor, None, None, off),
        ("feature_flag.changed", actor, None, off, demo),
        ("feature_flag.reset", actor, None, demo, None),
    ]
    # Rules may name people: who has the trail and no key guesses none of them.
    assert state_hash(PUBLIC, states[0]) != off


# --- what is switched ---------------------------------------------------------------------------------------


async def register(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post("/api/v1/auth/register", json={"username": name, "password": PASSWORD})


async def test_while_registration_is_closed_nobody_makes_an_account_and_all_others_log_in(here: Here) -> None:
    ada, bea = await log_in(here.client), a_name()

    await here.set("registration", is_on=False)
    closed = await register(here.client, bea)
    login = await here.client.post(
        "/api/v1/auth/login", json={"username": ada.username, "password": PASSWORD}
    )
    await here.set("registration", is_on=True)
    opened = await register(here.client, bea)

    assert (closed.status_code, closed.json()["code"]) == (403, "registration-closed")
    assert "retry-after" not in closed.headers
    assert (login.status_code, opened.status_code) == (200, 201)


async def test_a_worker_that_starts_knows_what_was_closed_before_its_first_request(here: Here) -> None:
    await here.set("registration", is_on=False)

    async with running(create_app(here.settings, quick())) as fresh:
        first = await register(fresh, a_name())

    assert first.status_code == 403


async def test_what_ifs_are_answered_to_whom_they_are_on_for(here: Here) -> None:
    ada, bea = await log_in(here.client), await log_in(here.client)
    # Nobody has a model to ask here.
    answered = (409, "what-if-without-model")

    await here.set("what-if", rules=[{"user_ids": [ada.user_id]}])
    told = [await here.client.post(WHAT_IF, json=ASKED, headers=who.headers) for who in (ada, bea)]
    await here.ask("DELETE", "what-if")
    again = await here.client.post(WHAT_IF, json=ASKED, headers=bea.headers)

    assert [(answer.status_code, answer.json()["code"]) for answer in told] == [
        answered,
        (403, "feature-off"),
    ]
    assert (again.status_code, again.json()["code"]) == answered


def a_person(**known: Any) -> Person:
    return Person(
        **{
            "user_id": UUID(ADA),
            "tz": "UTC",
            "data_key_ciphertext": b"",
            "has_confirmed_email": False,
            "username": "ada",
            "display_name": None,
            "cohort": "real",
            "role": "user",
            "email_ciphertext": None,
            "email_wanted_ciphertext": None,
            "created_at": datetime.now(UTC),
            "requests_per_minute": None,
            **known,
        }
    )


async def test_id_role_and_cohort_of_a_person_are_what_rules_ask(here: Here) -> None:
    rules = [{"user_ids": [BEA]}, {"roles": ["analyst"]}, {"cohorts": ["demo"]}]
    await here.set("response-cache", rules=rules)

    people = [a_person(), a_person(user_id=UUID(BEA)), a_person(role="analyst"), a_person(cohort="demo")]

    assert [here.flags.is_on("response-cache", person) for person in people] == [False, True, True, True]
    assert not here.flags.is_on("response-cache")


# --- remembering --------------------------------------------------------------------------------------------


def reason_of(flags: Flags, name: str = "response-cache") -> Any:
    return flags.client.get_boolean_details(name, FLAGS[name].default).reason


async def test_another_worker_hears_of_a_change(here: Here) -> None:
    other = create_app(here.settings, quick())
    async with running(other):
        flags: Flags = other.state.resources.flags
        for is_on in (False, True):
            await here.set("response-cache", is_on=is_on)
            await until(lambda is_on=is_on: flags.is_on("response-cache") is is_on, 5)

        here.execute("update app.feature_flags set is_on = false")
        await until(lambda: not flags.is_on("response-cache"), 5)
        here.execute("truncate app.feature_flags")
        await until(lambda: flags.is_on("response-cache"), 5)


async def test_while_postgres_is_away_what_was_last_known_holds(here: Here) -> None:
    await here.set("response-cache", is_on=False)
    async with gate_to(here.settings.need("postgres_url")) as (url, switch):
        own = here.settings.model_copy(update={"postgres_url": url})
        app = create_app(own, quick(postgres_wait_seconds=0.3))
        async with running(app):
            flags: Flags = app.state.resources.flags
            await until(lambda: reason_of(flags) == Reason.DISABLED)

            switch(False)
            await until(lambda: reason_of(flags) == Reason.STALE)
            away = flags.is_on("response-cache")
            await here.set("response-cache", is_on=True)
            still_away = flags.is_on("response-cache")
            switch(True)
            await until(lambda: reason_of(flags) == Reason.STATIC)

            assert (away, still_away, flags.is_on("response-cache")) == (False, False, True)


async def test_before_anything_was_read_the_default_holds(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"postgres_url": "postgresql://a:b@127.0.0.1:1/aurora"})
    app = create_app(nowhere, quick(postgres_wait_seconds=0.2))
    flags: Flags = app.state.resources.flags

    assert all(flags.is_on(flag.name) is flag.default for flag in FLAGS.values())
    async with running(app):
        assert all(flags.is_on(flag.name) is flag.default for flag in FLAGS.values())
        assert reason_of(flags) == Reason.DEFAULT


async def test_a_row_that_nobody_can_follow_is_passed_over_and_said_once(here: Here) -> None:
    await here.set("what-if", is_on=False)

    with structlog.testing.capture_logs() as lines:
        here.execute("insert into app.feature_flags (name, is_on) values ('teleport', true)")
        here.execute("update app.feature_flags set is_on = true, rules = '[{}, 7]' where name = 'what-if'")
        here.execute("insert into app.feature_flags (name, is_on) values ('response-cache', false)")
        await until(lambda: not here.flags.is_on("response-cache"))

    said = [(line["flag"], line["problem"]) for line in lines if line["event"] == "feature_flag_passed_over"]
    assert sorted(said) == [("teleport", "not in the catalogue"), ("what-if", "its rules cannot be read")]
    # As it was last known.
    assert not here.flags.is_on("what-if")
    assert (await here.ask("GET")).status_code == 200


async def test_applications_of_one_process_know_nothing_of_one_another(
    here: Here, client: httpx.AsyncClient, settings: Settings
) -> None:
    await here.set("response-cache", is_on=False)

    elsewhere = create_app(settings, quick())
    async with running(elsewhere):
        assert elsewhere.state.resources.flags.is_on("response-cache")
        assert not here.flags.is_on("response-cache")
    assert not here.flags.is_on("response-cache")


# --- OpenFeature --------------------------------------------------------------------------------------------


async def test_an_answer_says_why(here: Here) -> None:
    context = EvaluationContext(ADA, {"role": "operator", "cohort": "real"})
    await until(lambda: reason_of(here.flags) == Reason.DEFAULT)

    async def told(**change: Any) -> tuple[bool, Any, Any]:
        await here.set("response-cache", **change)
        details = here.flags.client.get_boolean_details("response-cache", False, context)
        return details.value, details.variant, details.reason

    assert await told(is_on=True) == (True, "on", Reason.STATIC)
    assert await told(rules=[{"roles": ["operator"]}]) == (True, "on", Reason.TARGETING_MATCH)
    assert (await told(rules=[{"percentage": 50}]))[2] == Reason.SPLIT
    assert await told(rules=[{"roles": ["admin"]}]) == (False, "off", Reason.DEFAULT)
    assert await told(is_on=False) == (False, "off", Reason.DISABLED)
    assert here.flags.client.provider.get_metadata().name == "aurora-postgres"


async def test_what_is_no_flag_or_another_type_is_an_error_and_gets_the_callers_default(here: Here) -> None:
    client = here.flags.client
    unknown = client.get_boolean_details("teleport", True)
    others = [
        client.get_string_details("what-if", "x"),
        client.get_integer_details("what-if", 7),
        client.get_float_details("what-if", 7.5),
        client.get_object_details("what-if", {"x": 7}),
    ]

    assert (unknown.value, unknown.reason, unknown.error_code) == (
        True,
        Reason.ERROR,
        ErrorCode.FLAG_NOT_FOUND,
    )
    assert {details.error_code for details in others} == {ErrorCode.TYPE_MISMATCH}
    assert [details.value for details in others] == ["x", 7, 7.5, {"x": 7}]
    assert client.get_string_details("teleport", "x").error_code == ErrorCode.FLAG_NOT_FOUND
    with pytest.raises(KeyError):
        here.flags.is_on("teleport")


async def test_whoever_follows_the_provider_is_told_what_changed(here: Here) -> None:
    heard: list[EventDetails] = []
    here.flags.client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.append)
    try:
        await here.set("what-if", is_on=False)
        await until(lambda: len(heard) == 1)
        # The listener hears of it as well: nothing is new to it.
        await here.set("response-cache", is_on=False)
        await until(lambda: len(heard) == 2)
    finally:
        here.flags.client.remove_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, heard.append)

    assert [details.flags_changed for details in heard] == [["what-if"], ["response-cache"]]
