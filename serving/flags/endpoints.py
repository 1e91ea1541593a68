"""`/api/v1/admin/feature-flags`: what is on, and for whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from serving.audit.recording import Change, own_key, record
from serving.auth.people import Person
from serving.database import Connection
from serving.dependencies import CurrentWork, Here, person_who_may
from serving.errors import ParameterInvalidError
from serving.etags import UNCHANGED, IfMatch, cacheable, check_match, tagged
from serving.flags.catalogue import FLAGS, Flag, flag_named
from serving.flags.schemas import FeatureFlagChange, FeatureFlagRead
from serving.flags.storage import Kept, delete_flag, lock_flags, read_flags, write_flag
from serving.openapi import problems
from serving.paths import API
from serving.strict_routes import StrictRoute

router = APIRouter(prefix=f"{API}/admin/feature-flags", tags=["admin"], route_class=StrictRoute)
Reader = Annotated[Person, person_who_may("flags:read")]
Writer = Annotated[Person, person_who_may("flags:write")]
FlagName = Annotated[str, Path(max_length=100, examples=["response-cache"])]


@router.get("", response_model=list[FeatureFlagRead], responses=problems(401, 403, 503))
async def read_feature_flags(_person: Reader, work: CurrentWork) -> list[FeatureFlagRead]:
    """Every feature flag: what happens when it is off, and for whom it is on."""
    kept = (await read_flags(work.connection)).kept
    return [FeatureFlagRead.of(flag, kept.get(flag.name)) for flag in FLAGS.values()]


@router.get(
    "/{flag_name}", response_model=FeatureFlagRead, responses=UNCHANGED | problems(401, 403, 404, 422, 503)
)
async def read_feature_flag(
    flag_name: FlagName, _person: Reader, work: CurrentWork, request: Request
) -> Response:
    """One feature flag."""
    flag = flag_named(flag_name)
    return cacheable(FeatureFlagRead.of(flag, await _kept(work.connection, flag)), request)


@router.patch(
    "/{flag_name}", response_model=FeatureFlagRead, responses=problems(401, 403, 404, 412, 422, 503)
)
async def change_feature_flag(
    flag_name: FlagName,
    change: FeatureFlagChange,
    _person: Writer,
    work: CurrentWork,
    here: Here,
    if_match: IfMatch = None,
) -> Response:
    """Switch a feature on or off, for everybody or for some. It holds on every worker within milliseconds."""
    flag = flag_named(flag_name)
    before = await _locked(work.connection, flag, if_match)
    setting = change.applied_to(flag, before)
    if setting.rules and not flag.is_about_people:
        raise ParameterInvalidError("this flag is asked before anybody is known: it takes no rules")
    after = await write_flag(work.connection, flag.name, setting)
    changed = Change(own_key(here.system_key), before.setting if before else None, setting)
    await record(work.connection, "feature_flag.changed", flag.name, owner=None, change=changed)
    work.after_commit.append(here.flags.refresh)
    return tagged(FeatureFlagRead.of(flag, after))


@router.delete("/{flag_name}", status_code=204, responses=problems(401, 403, 404, 412, 422, 503))
async def reset_feature_flag(
    flag_name: FlagName, _person: Writer, work: CurrentWork, here: Here, if_match: IfMatch = None
) -> None:
    """Back to what holds by default. Nothing is done where nothing is set."""
    flag = flag_named(flag_name)
    before = await _locked(work.connection, flag, if_match)
    if before is None:
        return
    await delete_flag(work.connection, flag.name)
    was = Change(own_key(here.system_key), before.setting)
    await record(work.connection, "feature_flag.reset", flag.name, owner=None, change=was)
    work.after_commit.append(here.flags.refresh)


async def _locked(connection: Connection, flag: Flag, if_match: str | None) -> Kept | None:
    """What is set, which nobody else changes before the transaction ends; PreconditionFailedError if not as seen."""
    await lock_flags(connection)
    kept = await _kept(connection, flag)
    check_match(if_match, FeatureFlagRead.of(flag, kept))
    return kept


async def _kept(connection: Connection, flag: Flag) -> Kept | None:
    return (await read_flags(connection)).kept.get(flag.name)
