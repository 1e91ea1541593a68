"""How the API asks whether something is on: a client of OpenFeature, and the provider behind it."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import structlog
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider.no_op_provider import NoOpProvider

from serving.auth.people import Person
from serving.database import Database
from serving.errors import FeatureOffError
from serving.flags.catalogue import FLAGS
from serving.flags.provider import PostgresProvider

log = structlog.get_logger(__name__)

# OpenFeature forgets no domain: what a domain gets in the end is shared by all.
_NOTHING = NoOpProvider()


class Flags:
    """The feature flags of one worker."""

    def __init__(self, url: str, database: Database) -> None:
        self._database = database
        self._provider = PostgresProvider(url)
        # OpenFeature keeps providers in a global of the process, by domain: an application has its own.
        self._domain = f"aurora-{uuid4().hex}"
        self.client = api.get_client(self._domain)

    def is_on(self, name: str, person: Person | None = None) -> bool:
        """Whether this is on for a person, or for a visitor. Asks nobody. KeyError outside the catalogue."""
        return self.client.get_boolean_value(name, FLAGS[name].default, _context_of(person))

    def check_on(self, name: str, person: Person) -> None:
        """FeatureOffError unless it is on for this person."""
        if not self.is_on(name, person):
            raise FeatureOffError

    async def open(self) -> None:
        """Answer by what is set. Before the first request: what was closed is not open while a worker starts."""
        api.set_provider_and_wait(self._provider, self._domain)
        await self.refresh()

    async def listen(self) -> None:
        """Follow what is set, for ever."""
        await self._provider.listen()

    async def refresh(self) -> None:
        """Read what is set, now: something was changed by this worker, which need not hear of it first."""
        try:
            async with self._database.transaction() as connection:
                await self._provider.read(connection)
        except psycopg.Error as error:
            # Whoever listens reads it as soon as Postgres is back.
            log.warning("feature_flags_not_read", problem=type(error).__name__)

    def close(self) -> None:
        """From here on everything is as the catalogue says."""
        api.set_provider(_NOTHING, self._domain)


def _context_of(person: Person | None) -> EvaluationContext | None:
    """What rules may ask of a person."""
    if person is None:
        return None
    return EvaluationContext(str(person.user_id), {"role": person.role, "cohort": person.cohort})
