"""What to simulate: how many people, for how long, ending when, and from which seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid5

from aurora import clock
from aurora.errors import AuroraError

SIMULATED_LIVES = UUID("5d0f0c6a-6a0e-5b0c-9d0a-3f7f7d1f7a11")
"""Namespace of every id that the simulator makes."""

BURN_IN_DAYS = 14
"""Days lived before the window and never recorded, so that sleep debt and load start from a real past."""


class SimulationSpecInvalidError(AuroraError):
    """The asked-for simulation is not possible."""


def _yesterday() -> date:
    return (clock.now() - timedelta(days=1)).date()


@dataclass(frozen=True)
class SimulationSpec:
    """One simulated world. Equal specs give equal worlds, on every machine."""

    users: int = 200
    days: int = 120
    seed: int = 7
    ends_on: date = field(default_factory=_yesterday)
    """Last simulated day, in UTC: nothing happens, or arrives, after its end."""
    until: datetime | None = None
    """How much of the world is told: nothing that is over, or arrives, after this instant. None: all of it.

    It is no part of the world: whatever is told earlier is told the same way later.
    """

    def __post_init__(self) -> None:
        if not 1 <= self.users <= 100_000:
            raise SimulationSpecInvalidError(f"users must be 1 to 100000, not {self.users}")
        if not 7 <= self.days <= 1_000:
            raise SimulationSpecInvalidError(f"days must be 7 to 1000, not {self.days}")
        if not 0 <= self.seed < 2**32:
            raise SimulationSpecInvalidError(f"seed must be 0 to {2**32 - 1}, not {self.seed}")
        if self.until is not None and not self.starts_at < self.until <= self.ends_at:
            raise SimulationSpecInvalidError(
                f"until must lie in the days from {self.starts_on} to {self.ends_on} (UTC), not {self.until}"
            )

    @property
    def cohort(self) -> str:
        return f"simulated-seed{self.seed}"

    @property
    def world(self) -> str:
        """Names this very world: the same cohort simulated for other days is another one."""
        return f"{self.cohort}/{self.ends_on.isoformat()}/{self.days}"

    @property
    def starts_on(self) -> date:
        return self.ends_on - timedelta(days=self.days - 1)

    @property
    def first_lived_day(self) -> date:
        return self.starts_on - timedelta(days=BURN_IN_DAYS)

    @property
    def starts_at(self) -> datetime:
        return datetime.combine(self.starts_on, time(), UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime.combine(self.ends_on + timedelta(days=1), time(), UTC)

    @property
    def told_until(self) -> datetime:
        return self.until or self.ends_at

    def user_id(self, index: int) -> UUID:
        """Depends on the cohort and the index only: the same person whatever the number of users."""
        return uuid5(SIMULATED_LIVES, f"{self.cohort}/{index}")
