"""Both engines against the one table of examples that was worked out by hand."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import psycopg
import pytest

from aurora.scores.catalogue import SCORES
from aurora.scores.scoring import score
from tests.aurora.scores.warehouse_scores import scores_in_sql

EXAMPLES: list[dict[str, Any]] = json.loads(
    resources.files("aurora.scores").joinpath("examples.json").read_text("utf-8")
)
IDS = [f"{example['score']}: {example['example']}" for example in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_python_scores_the_example_as_worked_out_by_hand(example: dict[str, Any]) -> None:
    result = score(SCORES[example["score"]], example["inputs"])

    expected = example["expected"]
    assert result.score == pytest.approx(expected["score"], abs=1e-9)
    assert result.score_state == expected["score_state"]
    assert result.coverage == pytest.approx(expected["coverage"], abs=1e-9)
    assert {factor.name: factor.points for factor in result.factors} == pytest.approx(
        example["points"], abs=1e-9
    )


@pytest.mark.parametrize("name", SCORES)
async def test_sql_scores_the_examples_as_worked_out_by_hand(
    name: str, database: psycopg.AsyncConnection
) -> None:
    examples = [example for example in EXAMPLES if example["score"] == name]

    rows = await scores_in_sql(database, SCORES[name], [example["inputs"] for example in examples])

    for example, row in zip(examples, rows, strict=True):
        expected = example["expected"]
        assert row["score"] == pytest.approx(expected["score"], abs=1e-9), example["example"]
        assert row["score_state"] == expected["score_state"], example["example"]
        assert row["coverage"] == pytest.approx(expected["coverage"], abs=1e-9), example["example"]
        points = {factor["name"]: factor["points"] for factor in row["factors"]}
        assert points == pytest.approx(example["points"], abs=1e-9), example["example"]
        assert row["version"] == SCORES[name].version


@pytest.mark.parametrize("name", SCORES)
def test_every_score_has_examples_of_each_of_its_states_and_of_both_ends(name: str) -> None:
    expected = [example["expected"] for example in EXAMPLES if example["score"] == name]
    states = {"SCORED", "UNSCORABLE"} | ({"CALIBRATING"} if SCORES[name].calibration else set())

    assert {result["score_state"] for result in expected} == states
    assert {0, 100} <= {result["score"] for result in expected}


def test_examples_name_each_input_of_their_score() -> None:
    for example in EXAMPLES:
        assert set(example["inputs"]) == {entry.name for entry in SCORES[example["score"]].inputs}
