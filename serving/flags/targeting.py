"""For whom a flag is on: what an administrator has set, and how that is decided for one person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, TypeVar
from uuid import UUID

from openfeature.flag_evaluation import Reason
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from serving.auth.roles import Role
from serving.flags.catalogue import Flag

MOST_RULES: Final = 20
MOST_NAMES: Final = 100
EVERYBODY: Final = 100
"""Per cent."""

Name = TypeVar("Name", str, UUID)


def _each_once(names: list[Name]) -> list[Name]:
    return sorted(set(names))


_Cohort = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
_Some = Field(min_length=1, max_length=MOST_NAMES)
_Roles = Annotated[list[Role], _Some, AfterValidator(_each_once)]
_Cohorts = Annotated[list[_Cohort], _Some, AfterValidator(_each_once)]
_UserIds = Annotated[list[UUID], _Some, AfterValidator(_each_once)]


@dataclass(frozen=True)
class Asker:
    """The person for whom a flag is asked; nothing is known of a visitor."""

    user_id: str | None = None
    role: str | None = None
    cohort: str | None = None


class Rule(BaseModel):
    """Whom a rule is about, which is everybody for whom all holds that it names, and for how many of them it is on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    roles: _Roles | None = Field(
        default=None, examples=[["operator", "admin"]], description="People of one of these"
    )
    cohorts: _Cohorts | None = Field(default=None, examples=[["real"]], description="People of one of these")
    user_ids: _UserIds | None = Field(default=None, examples=[None], description="These people")
    percentage: Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)] = Field(
        default=EVERYBODY,
        examples=[10],
        description="On for so many of them, always the same; more when it is raised. 0: off for all of them",
    )

    @property
    def is_split(self) -> bool:
        return 0 < self.percentage < EVERYBODY

    def is_about(self, asker: Asker) -> bool:
        """Whether this rule decides. A share of people cannot have somebody who is not known."""
        return (
            (self.roles is None or asker.role in self.roles)
            and (self.cohorts is None or asker.cohort in self.cohorts)
            and (self.user_ids is None or asker.user_id in self._user_ids)
            and (asker.user_id is not None or not self.is_split)
        )

    @cached_property
    def _user_ids(self) -> frozenset[str]:
        return frozenset(str(user_id) for user_id in self.user_ids or ())


class Setting(BaseModel):
    """What an administrator has set. Without rules it is for everybody; with rules the first that is about somebody
    decides, and it is off for who is in none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_on: bool
    rules: list[Rule] = Field(default=[], max_length=MOST_RULES)


def decide(flag: Flag, setting: Setting | None, asker: Asker) -> tuple[bool, Reason]:
    """Whether it is on for somebody, and why, in the words of OpenFeature."""
    if setting is None:
        return flag.default, Reason.DEFAULT
    if not setting.is_on:
        return False, Reason.DISABLED
    if not setting.rules:
        return True, Reason.STATIC
    for rule in setting.rules:
        if rule.is_about(asker):
            if rule.is_split and asker.user_id is not None:
                return place_of(flag.name, asker.user_id) < rule.percentage, Reason.SPLIT
            return rule.percentage == EVERYBODY, Reason.TARGETING_MATCH
    return False, Reason.DEFAULT


def place_of(flag: str, user_id: str) -> float:
    """Where a person stands between 0 and 100: always there for this flag, somewhere else for another."""
    digest = hashlib.sha256(f"{flag}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100
