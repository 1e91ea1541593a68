"""From what happens to a person to what their receiver was sent, with a real Postgres, Redis and receiver."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from standardwebhooks import WebhookVerificationError

from aurora.notices.knocks import channel_of
from aurora.notices.log import EVERYBODY
from aurora.notices.messages import ChangedEvent, EventsNotice, ScoresNotice
from aurora.settings import Settings
from serving.live.knocking import Knocks
from serving.webhooks.dispatcher import dispatching
from serving.webhooks.sending import Answer
from tests.serving.conftest import DATA_KEY
from tests.serving.live_server import NOW, TODAY, numbered, until
from tests.serving.webhooks.conftest import World, number_in, verified, webhook_options
from tests.serving.webhooks.receiver import Receiver


async def test_what_happens_is_sent_with_a_signature_and_written_down(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver, "events.changed")
    changed = ChangedEvent(event_id=uuid4(), version=2, type="energy.rated", local_date=date(2026, 11, 25))
    notice = EventsNotice(as_of=NOW, local_date=TODAY, local_dates=[TODAY], events=[changed])

    async with world.dispatching():
        await world.tell(notice)
        await until(lambda: bool(receiver.received))
        await world.until_settled(webhook)

    [received] = receiver.received
    message = verified(received, webhook["secret"])
    assert (message["type"], message["position"]) == ("events.changed", 1)
    assert message["data"] == notice.model_dump(mode="json")
    assert datetime.fromisoformat(message["timestamp"]).tzinfo is not None
    [delivery] = await world.deliveries(webhook)
    assert delivery["delivery_id"] == received.headers["webhook-id"]
    assert (delivery["state"], delivery["attempts"], delivery["position"]) == ("delivered", 1, 1)


async def test_another_secret_does_not_verify_it(world: World, receiver: Receiver) -> None:
    await world.subscribe(receiver)
    other = await world.subscribe(receiver, "scores.changed")

    async with world.dispatching():
        await world.tell(numbered(1))
        await until(lambda: bool(receiver.received))

    with pytest.raises(WebhookVerificationError):
        verified(receiver.received[0], other["secret"])


async def test_only_what_was_subscribed_to_is_sent_and_only_from_then_on(
    world: World, receiver: Receiver
) -> None:
    await world.tell(numbered(1))
    await world.subscribe(receiver, "insights.made")
    scores = ScoresNotice(as_of=NOW, local_date=TODAY, is_provisional=True, scores=[])

    async with world.dispatching():
        await world.tell(scores, numbered(2))
        await until(lambda: bool(receiver.received))
        await world.until_row("select from app.webhooks where position = 3")

    [received] = receiver.received
    assert b"insights.made" in received.body
    assert world.rows("select count(*) from app.webhook_deliveries") == [{"count": 1}]


async def test_what_happens_while_no_dispatcher_is_there_is_sent_afterwards(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver)
    for number in range(1, 8):
        await world.tell(numbered(number))

    async with world.dispatching():
        await until(lambda: len(receiver.received) == 7)

    numbers = {number_in(verified(received, webhook["secret"])) for received in receiver.received}
    assert numbers == set(range(1, 8))


async def test_a_receiver_that_was_down_gets_it_when_it_is_back(world: World) -> None:
    async with Receiver().open() as first:
        webhook = await world.subscribe(first)
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_settled(webhook)
        [delivery] = await world.deliveries(webhook)
        waiting = await world.ask("GET", f"/{webhook['webhook_id']}")
        async with Receiver().open(port=first.port) as back:
            await world.let_time_pass()
            await until(lambda: bool(back.received))
            await world.until_settled(webhook, attempts=2)

    assert (delivery["state"], delivery["attempts"]) == ("waiting", 1)
    assert datetime.fromisoformat(delivery["next_attempt_at"]) > datetime.now(UTC)
    assert waiting["failing_since"] is not None
    assert back.received[0].headers["webhook-id"] == delivery["delivery_id"]
    assert number_in(verified(back.received[0], webhook["secret"])) == 1
    attempts = await world.ask(
        "GET", f"/{webhook['webhook_id']}/deliveries/{delivery['delivery_id']}/attempts"
    )
    assert [(each["number"], each["problem"]) for each in attempts["items"]] == [
        (2, None),
        (1, "unreachable"),
    ]
    assert (await world.ask("GET", f"/{webhook['webhook_id']}"))["failing_since"] is None


async def test_a_process_that_dies_between_attempt_and_commit_leads_to_the_same_id_again(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver)
    is_sent = asyncio.Event()

    async def send_and_die(*_: Any) -> Answer:
        is_sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    await world.tell(numbered(1))
    dying = world.dispatcher(send_and_die)
    await dying._pool.open()
    await dying.look()
    await is_sent.wait()
    for task in dying._under_way:
        task.cancel()
    await dying._pool.close()
    held = world.rows("select delivery_id, attempts from app.webhook_deliveries where leased_until > now()")

    async with world.dispatching():
        await world.let_time_pass()
        await until(lambda: bool(receiver.received))
        await world.until_settled(webhook)

    assert [row["attempts"] for row in held] == [0]
    assert [each.headers["webhook-id"] for each in receiver.received] == [str(held[0]["delivery_id"])]


async def test_what_another_process_holds_is_left_to_it(world: World, receiver: Receiver) -> None:
    receiver.is_free.clear()
    webhook = await world.subscribe(receiver)
    async with world.dispatching(), world.dispatching():
        for number in (1, 2, 3):
            await world.tell(numbered(number))
        await until(lambda: len(receiver.received) == 2)
        receiver.is_free.set()
        await world.until_settled(webhook, attempts=3)

    numbers = [number_in(verified(received, webhook["secret"])) for received in receiver.received]
    assert sorted(numbers) == [1, 2, 3]


async def test_gone_disables_the_webhook_and_says_so(world: World, receiver: Receiver) -> None:
    receiver.status = 410
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_row("select from app.webhooks where disabled_at is not null")
        await world.tell(numbered(2))

    shown = await world.ask("GET", f"/{webhook['webhook_id']}")
    assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "gone")
    assert [each["state"] for each in await world.deliveries(webhook)] == ["failed"]
    assert len(receiver.received) == 1


async def test_a_webhook_that_fails_for_five_days_is_disabled(world: World, receiver: Receiver) -> None:
    receiver.status = 500
    webhook = await world.subscribe(receiver)
    world.rows("update app.webhooks set failing_since = now() - interval '121 hours'")
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_row("select from app.webhooks where disabled_at is not null")

    shown = await world.ask("GET", f"/{webhook['webhook_id']}")
    assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "failing")


async def test_enabled_again_it_gets_what_waits_and_what_comes_but_not_what_was_in_between(
    world: World, receiver: Receiver
) -> None:
    receiver.status = 503
    webhook = await world.subscribe(receiver)
    path = f"/{webhook['webhook_id']}"
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_settled(webhook)
        await world.ask("PATCH", path, json={"is_enabled": False})
        await world.tell(numbered(2))
        receiver.status = 200
        enabled = await world.ask("PATCH", path, json={"is_enabled": True})
        await world.tell(numbered(3))
        await world.until_settled(webhook, attempts=2)  # else time would pass for an attempt under way, too
        await world.let_time_pass()
        await world.until_settled(webhook, attempts=3)

    numbers = [number_in(verified(received, webhook["secret"])) for received in receiver.received]
    assert sorted(numbers) == [1, 1, 3]
    assert (enabled["is_enabled"], enabled["disabled_reason"], enabled["failing_since"]) == (True, None, None)


async def test_a_receiver_that_hangs_delays_no_other_and_has_two_attempts_at_a_time(world: World) -> None:
    async with Receiver().open() as hanging, Receiver().open() as quick:
        hanging.is_free.clear()
        slow = await world.subscribe(hanging)
        good = await world.subscribe(quick)
        async with world.dispatching(at_once=4):
            for number in range(1, 7):
                await world.tell(numbered(number))
            await world.until_settled(good, attempts=6)

            assert (len(hanging.received), world.attempts(slow)) == (2, [])
            hanging.is_free.set()
            await world.until_settled(slow, attempts=6)


async def test_webhooks_with_enough_under_way_do_not_stand_before_others(world: World) -> None:
    async with Receiver().open() as hanging, Receiver().open() as quick:
        hanging.is_free.clear()
        for number in range(3):
            await world.subscribe(hanging, path=f"/{number}")
        async with world.dispatching(at_once=4, at_once_each=1):
            await world.tell(*(numbered(number) for number in range(3)))
            await until(lambda: len(hanging.received) == 3)
            good = await world.subscribe(quick)
            await world.tell(*(numbered(number) for number in range(3)))
            await world.until_settled(good, attempts=3)

            assert len(hanging.received) == 3
            hanging.is_free.set()


async def test_receivers_that_fail_leave_half_of_the_places_to_others(world: World) -> None:
    async with Receiver().open() as hanging, Receiver().open() as quick:
        hanging.is_free.clear()
        for number in range(3):
            await world.subscribe(hanging, path=f"/{number}")
        world.rows("update app.webhooks set failing_since = now()")
        good = await world.subscribe(quick)
        async with world.dispatching(at_once=4):
            await world.tell(numbered(1), numbered(2))
            await world.until_settled(good, attempts=2)
            await until(lambda: len(hanging.received) >= 2)

            assert len(hanging.received) == 2
            hanging.is_free.set()


async def test_after_a_rotation_both_secrets_verify_it_and_after_a_day_the_new_one_alone(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver)
    rotated = await world.ask("POST", f"/{webhook['webhook_id']}/secret")
    async with world.dispatching():
        await world.tell(numbered(1))
        await until(lambda: len(receiver.received) == 1)
        world.rows(
            "update app.webhook_secrets set expires_at = expires_at - interval '24 hours' where expires_at > now()"
        )
        await world.tell(numbered(2))
        await until(lambda: len(receiver.received) == 2)

    first, second = receiver.received
    assert number_in(verified(first, webhook["secret"])) == number_in(verified(first, rotated["secret"])) == 1
    assert number_in(verified(second, rotated["secret"])) == 2
    with pytest.raises(WebhookVerificationError):
        verified(second, webhook["secret"])


async def test_a_webhook_that_is_deleted_while_it_is_sent_to_is_sent_nothing_more(
    world: World, receiver: Receiver
) -> None:
    receiver.is_free.clear()
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        await world.tell(numbered(1))
        await until(lambda: bool(receiver.received))
        await world.ask("DELETE", f"/{webhook['webhook_id']}", status=204)
        receiver.is_free.set()
        await world.tell(numbered(2))

    assert len(receiver.received) == 1
    for table in ("webhooks", "webhook_secrets", "webhook_deliveries", "webhook_attempts"):
        assert world.rows(f"select count(*) from app.{table}") == [{"count": 0}]


async def test_a_test_is_sent_whatever_the_webhook_subscribes_to(world: World, receiver: Receiver) -> None:
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        queued = await world.ask("POST", f"/{webhook['webhook_id']}/test", status=202)
        await until(lambda: bool(receiver.received))

    message = verified(receiver.received[0], webhook["secret"])
    assert receiver.received[0].headers["webhook-id"] == queued["delivery_id"]
    assert message["type"] == "webhook.tested"
    assert (message["position"], message["data"]) == (None, {"webhook_id": webhook["webhook_id"]})


async def test_what_was_given_up_is_sent_again_on_request_with_a_whole_schedule(
    world: World, receiver: Receiver
) -> None:
    receiver.status = 500
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_settled(webhook)
        world.rows("update app.webhook_deliveries set attempts = 9")
        await world.let_time_pass()
        await world.until_row("select from app.webhook_deliveries where failed_at is not null")
        [failed] = await world.deliveries(webhook, state="failed")
        path = f"/{webhook['webhook_id']}/deliveries/{failed['delivery_id']}/retry"
        await world.ask("POST", path, status=202)
        await world.until_settled(webhook, attempts=3)

    [waiting] = await world.deliveries(webhook, state="waiting")
    assert (waiting["delivery_id"], waiting["attempts"]) == (failed["delivery_id"], 11)
    assert {each.headers["webhook-id"] for each in receiver.received} == {failed["delivery_id"]}


async def come_to_listeners(world: World, wanted: int) -> None:
    """Wait until so many are subscribed to what Ada is told."""
    channel = channel_of(UUID(world.ada.user_id))
    async with Redis.from_url(world.redis_url) as redis, asyncio.timeout(10):
        while (await redis.pubsub_numsub(channel))[0][1] != wanted:  # type: ignore[misc]  # noqa: ASYNC110  # in Redis
            await asyncio.sleep(0.01)


async def test_whoever_has_an_enabled_webhook_counts_as_somebody_who_listens(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        await come_to_listeners(world, 1)
        await world.ask("PATCH", f"/{webhook['webhook_id']}", json={"is_enabled": False})
        await come_to_listeners(world, 0)
        await world.ask("PATCH", f"/{webhook['webhook_id']}", json={"is_enabled": True})
        await come_to_listeners(world, 1)


async def test_a_person_who_is_wanted_while_the_connection_to_redis_is_made_is_heard(world: World) -> None:
    wanted = [set[UUID](), {UUID(world.ada.user_id)}]
    knocks = Knocks(
        world.redis_url,
        wanted=lambda: {EVERYBODY, *(wanted.pop(0) if len(wanted) > 1 else wanted[0])},
        on_knock=lambda _user_id, _position: None,
    )
    listening = asyncio.create_task(knocks.listen())

    await come_to_listeners(world, 1)

    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await knocks.close()


async def test_without_redis_it_is_found_by_looking(world: World, receiver: Receiver) -> None:
    await world.subscribe(receiver)
    world.redis_url = "redis://127.0.0.1:1/0"
    async with world.dispatching():
        await world.tell(numbered(1))
        await until(lambda: bool(receiver.received))


async def test_attempts_are_counted_by_their_outcome(world: World, receiver: Receiver) -> None:
    receiver.status = 500
    labels = {"outcome": "status"}
    before = REGISTRY.get_sample_value("aurora_webhooks_attempts_total", labels) or 0.0
    webhook = await world.subscribe(receiver)
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_settled(webhook)

    assert REGISTRY.get_sample_value("aurora_webhooks_attempts_total", labels) == before + 1


async def test_what_is_due_and_nobody_is_at_is_a_metric(world: World, receiver: Receiver) -> None:
    receiver.is_free.clear()
    await world.subscribe(receiver)
    await world.tell(*(numbered(number) for number in range(5)))
    async with world.dispatching(at_once_each=2):
        await until(lambda: len(receiver.received) == 2)
        await until(lambda: REGISTRY.get_sample_value("aurora_webhooks_due_deliveries") == 3)
        receiver.is_free.set()


async def test_the_job_worker_sends_over_the_real_network(
    world: World, receiver: Receiver, settings: Settings
) -> None:
    own = settings.model_copy(update={"postgres_url": world.jobs_url, "redis_url": world.redis_url})
    await world.subscribe(receiver)
    async with dispatching(own, webhook_options()):
        await world.tell(numbered(1))
        await until(lambda: bool(receiver.received))


async def test_the_process_of_the_jobs_sends_and_ends_in_time_also_while_a_receiver_hangs(
    world: World, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.is_free.clear()
    await world.subscribe(receiver)
    environment = {
        "PATH": os.defpath,
        "AURORA_DATA_DIR": str(tmp_path),
        "AURORA_POSTGRES_URL": world.jobs_url,
        "AURORA_REDIS_URL": world.redis_url,
        "AURORA_DATA_KEY": DATA_KEY,
        "AURORA_WEBHOOKS_PRIVATE_NETWORKS": '["127.0.0.0/8"]',
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serving.jobs", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await world.tell(numbered(1))
        await until(lambda: bool(receiver.received), seconds=60)
        # Its queue has begun as well: from then on it hears the signal.
        await world.until_row(
            "select from pg_stat_activity where datname = current_database() and usename = 'aurora_jobs'"
            " and query ilike '%%listen%%procrastinate%%'"
        )
        process.terminate()
        async with asyncio.timeout(30):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()

    assert code == 0
    assert world.rows("select attempts from app.webhook_deliveries where leased_until > now()") == [
        {"attempts": 0}
    ]


async def test_nothing_is_sent_for_a_person_who_is_being_erased(world: World, receiver: Receiver) -> None:
    await world.subscribe(receiver)
    await world.ask("POST", f"/{(await world.ask('GET'))['items'][0]['webhook_id']}/test", status=202)
    world.rows("update app.users set deleted_at = now()")
    await world.tell(numbered(1))

    dispatcher = world.dispatcher()
    await dispatcher._pool.open()
    await dispatcher.look()

    assert dispatcher._under_way == {}
    await dispatcher._pool.close()


async def test_a_key_that_does_not_open_the_secret_is_our_problem_and_no_endless_attempt(
    world: World, receiver: Receiver
) -> None:
    webhook = await world.subscribe(receiver)
    world.rows("update app.webhook_secrets set ciphertext = '\\x00'")
    async with world.dispatching():
        await world.tell(numbered(1))
        await world.until_settled(webhook)

    assert [each["problem"] for each in world.attempts(webhook)] == ["unexpected"]
    assert receiver.received == []
