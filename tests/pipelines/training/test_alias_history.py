from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.training.alias_history import Kind, PastMove, version_before, versions_taken_back


def moves_of(*told: tuple[Kind, str | None]) -> list[PastMove]:
    moves: list[PastMove] = []
    for kind, version in told:
        previous = moves[-1].version if moves else None
        moves.append(PastMove(version, previous, kind, datetime(2026, 1, 1, tzinfo=UTC)))
    return moves


@pytest.mark.parametrize(
    ("told", "before"),
    [
        ((), None),
        ((("gate", "1"),), None),
        ((("gate", "1"), ("gate", "2")), "1"),
        ((("gate", "1"), ("gate", "2"), ("rollback", "1")), None),
        ((("gate", "1"), ("gate", "2"), ("rollback", "1"), ("gate", "3")), "1"),
        ((("gate", "1"), ("promote", "2"), ("promote", "1")), "2"),
        ((("gate", "1"), ("promote", "2"), ("promote", "1"), ("rollback", "2")), "1"),
        ((("gate", "1"), ("gate", "2"), ("mlflow", None)), "2"),
        ((("gate", "1"), ("gate", "2"), ("mlflow", None), ("rollback", "2")), "1"),
    ],
)
def test_the_champion_before_is_told_by_the_history(
    told: tuple[tuple[Kind, str | None], ...], before: str | None
) -> None:
    assert version_before(moves_of(*told)) == before


def test_only_rollbacks_that_nobody_overruled_count_as_taken_back() -> None:
    back = moves_of(("gate", "1"), ("gate", "2"), ("gate", "3"), ("rollback", "2"), ("rollback", "1"))

    assert versions_taken_back(back) == ("2", "3")
    assert versions_taken_back([*back, *moves_of(("promote", "2"))]) == ()
