"""What one worker holds for as long as it lives: the pool, Redis, models, flags, open sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg

from aurora.collecting import spare_the_garbage_collector
from aurora.predictions.champions import Champions
from aurora.settings import Settings
from aurora.tasks import end
from serving.auth.addresses import Addresses
from serving.auth.keys import Keys
from serving.auth.logins import Logins
from serving.auth.passwords import Passwords
from serving.auth.quotas import Quotas
from serving.auth.recovery import Recovery
from serving.auth.service import Accounts
from serving.auth.tokens import Secrets, TokenIssuer, TokenReader
from serving.database import Database
from serving.emails.outgoing import Mailbag
from serving.events.batches import Batches
from serving.events.judging import Judge
from serving.events.posting import GROUPS_AT_ONCE as GROUPS_POSTED
from serving.events.posting import Posting
from serving.flags.asking import Flags
from serving.hosts import Hosts
from serving.kept_answers import KeptAnswers
from serving.kept_changes import KeptChanges
from serving.live.hub import Hub
from serving.live.tickets import Tickets
from serving.options import ApiOptions
from serving.predictions.service import GROUPS_AT_ONCE as GROUPS_PREDICTED
from serving.predictions.service import Forecaster
from serving.rate_limits import RateLimiter
from serving.redis_access import RedisAccess
from serving.replica import Replica, Writers
from serving.webhooks.destinations import Destinations, Resolver

_NAMES_AT_ONCE: Final = 8
"""Hosts of webhooks that one worker looks up at the same time."""


@dataclass
class Resources:
    """Made once per worker, before the first request."""

    options: ApiOptions
    hosts: Hosts
    system_key: str
    database: Database
    redis: RedisAccess
    replica: Replica
    tokens: TokenReader
    keys: Keys
    logins: Logins
    quotas: Quotas
    flags: Flags
    limiter: RateLimiter
    passwords: Passwords
    accounts: Accounts
    addresses: Addresses
    recovery: Recovery
    posting: Posting
    batches: Batches
    champions: Champions
    kept: KeptAnswers
    kept_changes: KeptChanges
    forecaster: Forecaster
    hub: Hub
    tickets: Tickets
    resolver: Resolver
    destinations: Destinations
    has_started: bool = False

    @classmethod
    def of(cls, settings: Settings, options: ApiOptions) -> Resources:
        """Everything, connected to nothing yet; ServiceNotConfiguredError when an address is missing."""
        postgres_url, redis_url = settings.need("postgres_url"), settings.need("redis_url")
        system_key = settings.need("data_key")
        secrets = Secrets(settings.need("jwt_secret"), settings.jwt_secrets_before.split())
        database = Database(
            postgres_url,
            size=settings.postgres_pool_size,
            # As many as groups of either kind, and one for those of a group that was taken apart.
            statements=GROUPS_POSTED + GROUPS_PREDICTED + 1,
            wait_seconds=options.postgres_wait_seconds,
        )
        redis = RedisAccess(redis_url, options.redis_timeout_seconds)
        passwords = Passwords(
            options.bcrypt_cost, threads=options.hashing_threads, queue=options.hashing_queue
        )
        tokens, issuer = TokenReader(secrets), TokenIssuer(secrets, options)
        logins = Logins(postgres_url)
        limiter, mailbag = RateLimiter(redis, options, settings.api_workers), Mailbag(system_key)
        addresses = Addresses(database, limiter, mailbag, logins, system_key=system_key)
        flags = Flags(postgres_url, database)
        kept = KeptAnswers(redis, lambda person: flags.is_on("response-cache", person))
        judge = Judge(system_key)
        champions = Champions(postgres_url, threads=settings.threads)
        resolver = Resolver(_NAMES_AT_ONCE)
        return cls(
            options=options,
            hosts=Hosts(options.hosts, settings.public_url),
            system_key=system_key,
            database=database,
            redis=redis,
            replica=Replica(
                database,
                settings.postgres_replica_url,
                Writers(redis, options.own_writes_seconds),
                size=settings.postgres_pool_size,
                wait_seconds=options.postgres_wait_seconds,
                # Who wrote waits twice as long as the replica may be behind.
                most_lag=options.own_writes_seconds / 2,
            ),
            tokens=tokens,
            keys=Keys(database, options.note_keys_seconds),
            logins=logins,
            quotas=Quotas(database, logins),
            flags=flags,
            limiter=limiter,
            passwords=passwords,
            accounts=Accounts(
                database,
                passwords,
                issuer,
                tokens,
                mailbag,
                logins,
                limiter,
                system_key=system_key,
                grace=timedelta(seconds=options.refresh_grace_seconds),
            ),
            addresses=addresses,
            recovery=Recovery(database, passwords, addresses, mailbag, logins, system_key=system_key),
            posting=Posting(database, kept, judge, wants_confirmed=options.require_verified_email),
            batches=Batches(database, kept, judge, options),
            champions=champions,
            kept=kept,
            kept_changes=KeptChanges(
                postgres_url,
                kept,
                replica_lag=options.own_writes_seconds if settings.postgres_replica_url else None,
            ),
            forecaster=Forecaster(database, redis, kept, champions, seconds=options.prediction_ttl_seconds),
            hub=Hub(postgres_url, redis_url, database, options),
            tickets=Tickets(redis, options.ticket_seconds),
            resolver=resolver,
            destinations=Destinations(resolver, options.webhooks.rules),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect, listen, and at the end let go of everything in the opposite order."""
        await self.database.open()
        await self.flags.open()
        tasks = (
            asyncio.create_task(self.champions.listen(), name="champions"),
            asyncio.create_task(self.logins.listen(), name="logins"),
            asyncio.create_task(self.flags.listen(), name="flags"),
            asyncio.create_task(self.replica.watch(), name="replica"),
            asyncio.create_task(self.kept_changes.listen(), name="kept-changes"),
            asyncio.create_task(self.keys.keep_noting(), name="key-uses"),
        )
        self.hub.start()
        spare_the_garbage_collector()
        try:
            yield
        finally:
            await self.hub.stop()
            await self.posting.finish()
            await self.kept.finish()
            await end(tasks)
            self.flags.close()
            with suppress(psycopg.Error):
                await self.keys.note_uses()
            self.resolver.close()
            await self.replica.close()
            await self.redis.close()
            await self.database.close()
