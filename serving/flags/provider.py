"""The provider of OpenFeature over Postgres: it remembers what was set, so that a question costs no I/O.

A trigger tells by NOTIFY when something was set, whoever did it, and everything is read anew. While Postgres is away
what was last known holds, with the reason STALE; before anything was read, what the catalogue says.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NoReturn

import psycopg
import structlog
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from aurora.database.listening import keep_listening
from serving.database import Connection
from serving.flags.catalogue import FLAGS, Flag
from serving.flags.storage import CHANNEL, Reading, read_flags
from serving.flags.targeting import Asker, Setting, decide

LOOK_SECONDS: Final = 10.0
"""So often everything is read anyhow: a line that was cut in between says nothing by itself."""
ANSWER_SECONDS: Final = 3.0

log = structlog.get_logger(__name__)


class PostgresProvider(AbstractProvider):
    """The flags of the catalogue, all of them boolean."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._settings: dict[str, Setting] = {}
        self._passed_over: dict[str, str] = {}
        self._was_read = False
        self._is_away = True
        self._one_reader = asyncio.Lock()

    # --- remembering ---------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Follow what is set, for ever."""
        await keep_listening(self._url, CHANNEL, self._hear)

    async def read(self, connection: Connection) -> None:
        """Read everything anew. One after the other: what was read later is never replaced by what was read before."""
        async with self._one_reader:
            self._remember(await read_flags(connection))

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            while True:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self.read(connection)
                self._note_line(is_away=False)
                async for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    pass
        finally:
            self._note_line(is_away=True)

    def _remember(self, reading: Reading) -> None:
        for name, problem in reading.passed_over.items():
            if self._passed_over.get(name) != problem:
                log.warning("feature_flag_passed_over", flag=name, problem=problem)
        # What cannot be read stays as it was: a switch that is off does not come on by it.
        unread = {name: self._settings[name] for name in reading.passed_over if name in self._settings}
        settings = unread | {name: kept.setting for name, kept in reading.kept.items()}
        before, self._settings = self._settings, settings
        self._passed_over, self._was_read = reading.passed_over, True
        changed = [name for name in FLAGS if before.get(name) != settings.get(name)]
        if changed:
            log.info("feature_flags_changed", flags=changed)
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))

    def _note_line(self, *, is_away: bool) -> None:
        if is_away != self._is_away:
            self._is_away = is_away
            tell = self.emit_provider_stale if is_away else self.emit_provider_ready
            tell(ProviderEventDetails())

    # --- answering -----------------------------------------------------------------------------------------

    def get_metadata(self) -> Metadata:
        return _METADATA

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: FBT001  # as OpenFeature has it
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        del default_value  # The catalogue has it.
        is_on, reason = decide(_known(flag_key), self._settings.get(flag_key), _asker(evaluation_context))
        if self._is_away and self._was_read:
            reason = Reason.STALE
        return FlagResolutionDetails(value=is_on, reason=reason, variant="on" if is_on else "off")

    def _refuse(self, flag_key: str, *_: object, **__: object) -> NoReturn:
        raise TypeMismatchError(f"feature flag {_known(flag_key).name!r} is boolean")

    resolve_string_details = resolve_integer_details = resolve_float_details = _refuse
    resolve_object_details = _refuse


_METADATA: Final = Metadata("aurora-postgres")


def _known(name: str) -> Flag:
    if name not in FLAGS:
        raise FlagNotFoundError(f"feature flag {name!r} is not in the catalogue")
    return FLAGS[name]


def _asker(context: EvaluationContext | None) -> Asker:
    if context is None:
        return Asker()
    role, cohort = context.attributes.get("role"), context.attributes.get("cohort")
    return Asker(
        context.targeting_key,
        role if isinstance(role, str) else None,
        cohort if isinstance(cohort, str) else None,
    )
