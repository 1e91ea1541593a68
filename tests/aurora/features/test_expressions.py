"""Every node of the language of formulas: SQL on real Postgres equals Python on the same row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.features.expressions import (
    Column,
    ColumnValues,
    Expression,
    absolute,
    as_expression,
    choose,
    clip,
    coalesce,
    cos,
    exp,
    interpolate,
    ln,
    steps,
)
from tests.aurora.features.nearly import nearly_equal

Row = dict[str, float | None]

COLUMNS = ("a", "b", "c")
A, B, C = (Column(name) for name in COLUMNS)

# Halves are met exactly by thresholds; the rest are numbers as they come.
numbers = st.integers(-20, 20).map(lambda n: n / 2) | st.floats(-100, 100).map(lambda x: round(x, 6))
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.none() | numbers)), min_size=1, max_size=20)


async def in_sql(
    connection: psycopg.AsyncConnection[Any], formulas: Sequence[Expression], rows: Sequence[Row]
) -> list[tuple[float | None, ...]]:
    columns = ", ".join(formula.sql() for formula in formulas)
    query = f"""
        select {columns}
        from unnest(%s::float8[], %s::float8[], %s::float8[]) with ordinality as day (a, b, c, ordinal)
        order by ordinal
    """
    async with connection.transaction():
        cursor = await connection.execute(query.encode(), [[row[name] for row in rows] for name in COLUMNS])
        return await cursor.fetchall()


def in_python(formulas: Sequence[Expression], row: Row) -> tuple[float | int | None, ...]:
    inputs = ColumnValues(row)
    return tuple(formula.value(inputs) for formula in formulas)


NODES: dict[str, Expression] = {
    "column": A,
    "constant": as_expression(2.5),
    "negative constant": as_expression(-2.5),
    "sum": A + B,
    "sum from the left": 1 + A,
    "difference": A - B,
    "difference from the left": 1 - A,
    "product": A * B,
    "product from the left": 3 * A,
    "quotient": A / B,
    "quotient from the left": 1 / A,
    "negation": -A,
    "exp": exp(A / 50),
    "logarithm": ln(A),
    "cos": cos(A),
    "absolute": absolute(A),
    "clip": clip(A, -2.5, 3),
    "coalesce": coalesce(A, B, 7),
    "interpolate": interpolate(A, (-5, 10), (0, -20.5), (2.5, 30)),
    "interpolate through one point": interpolate(A, (1, 5)),
    "steps": steps(A, (5, 100), (-2.5, 40), (0, 60), below=-1),
    "choose": choose(A, (-5, 0, B), (0, 2.5, 1), (2.5, math.inf, C)),
    "nested": clip(
        interpolate(A * 2 - B, (0, 0), (10, 100)) * coalesce(C / A, 1) + exp(clip(B, -5, 5)), 0, 100
    ),
}


@settings(max_examples=30)
@given(rows)
async def test_every_node_reads_the_same_in_sql_and_in_python(
    database: psycopg.AsyncConnection, rows: list[Row]
) -> None:
    formulas = list(NODES.values())

    for row, found in zip(rows, await in_sql(database, formulas, rows), strict=True):
        for name, one, other in zip(NODES, found, in_python(formulas, row), strict=True):
            assert nearly_equal(one, other), name


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """One node more around any formulas, kept in the range where floats neither overflow nor vanish."""
    tame = inner.map(lambda formula: clip(formula, -1000, 1000))
    ascending = st.lists(st.integers(-40, 40), min_size=1, max_size=4, unique=True).map(sorted)
    whole = st.integers(-100, 100)
    binary: list[Callable[[Expression, Expression], Expression]] = [
        lambda left, right: left + right,
        lambda left, right: left - right,
        lambda left, right: left * right,
        lambda left, right: left / right,
        coalesce,
    ]
    unary: list[Callable[[Expression], Expression]] = [
        lambda formula: -formula,
        cos,
        absolute,
        lambda formula: exp(clip(formula, -20, 20)),
    ]
    return st.one_of(
        st.builds(lambda node, left, right: node(left, right), st.sampled_from(binary), tame, tame),
        st.builds(lambda node, formula: node(formula), st.sampled_from(unary), tame),
        st.builds(
            lambda formula, xs, ys: interpolate(formula, *zip(xs, ys, strict=False)),
            inner,
            ascending,
            st.lists(whole, min_size=4, max_size=4),
        ),
        st.builds(
            lambda formula, xs, ys, below: steps(formula, *zip(xs, ys, strict=False), below=below),
            inner,
            ascending,
            st.lists(whole, min_size=4, max_size=4),
            whole,
        ),
        st.builds(
            lambda selector, cut, left, right: choose(selector, (-1000, cut, left), (cut, math.inf, right)),
            inner,
            whole,
            inner,
            inner,
        ),
    )


leaves = st.sampled_from([A, B, C]) | numbers.map(as_expression)
formulas = st.recursive(leaves, _grown, max_leaves=5)


@settings(max_examples=60)
@given(st.lists(formulas, min_size=1, max_size=4), rows)
async def test_any_formula_reads_the_same_in_sql_and_in_python(
    database: psycopg.AsyncConnection, formulas: list[Expression], rows: list[Row]
) -> None:
    for row, found in zip(rows, await in_sql(database, formulas, rows), strict=True):
        for one, other in zip(found, in_python(formulas, row), strict=True):
            assert nearly_equal(one, other)


# --- what single nodes promise ------------------------------------------------------------------------------


def value(formula: Expression, **columns: float | None) -> float | int | None:
    return formula.value(ColumnValues(columns))


def test_missing_is_contagious() -> None:
    for formula in (
        A + 1,
        A * 0,
        A / 2,
        -A,
        exp(A),
        ln(A),
        clip(A, 0, 1),
        interpolate(A, (0, 0)),
        steps(A, below=1),
    ):
        assert value(formula, a=None) is None


def test_division_by_zero_is_missing() -> None:
    assert value(1 / A, a=0) is None
    assert value(A / A, a=0.0) is None


def test_the_logarithm_of_zero_and_below_is_missing() -> None:
    assert [value(ln(A), a=a) for a in (-1, 0, 0.0, 1)] == [None, None, None, 0]


def test_coalesce_takes_the_first_that_is_known_also_when_it_is_zero() -> None:
    assert value(coalesce(A, B), a=0, b=5) == 0
    assert value(coalesce(A, B), a=None, b=5) == 5


def test_interpolation_is_level_outside_its_points() -> None:
    line = interpolate(A, (0, 10), (10, 20))

    assert [value(line, a=x) for x in (-5, 0, 5, 10, 15)] == [10, 10, 15, 20, 20]


def test_a_step_begins_at_its_threshold() -> None:
    stairs = steps(A, (150, 100), (30, 40), below=20)

    assert [value(stairs, a=x) for x in (29.999, 30, 149.999, 150)] == [20, 40, 40, 100]


def test_an_interval_of_choose_contains_its_lower_border_only() -> None:
    formula = choose(A, (0, 6, 1), (6, 12, 2))

    assert [value(formula, a=x) for x in (-1, 0, 5.9, 6, 12)] == [None, 1, 1, 2, None]


def test_the_leaves_of_a_formula_come_from_left_to_right() -> None:
    assert list(choose(A, (0, 1, B + 2), (1, 2, C)).leaves()) == [A, B, C]
