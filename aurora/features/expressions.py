"""A small language of formulas with two readings: SQL for the warehouse, a number for the live vector.

A feature or a score is written once with these and cannot mean two things. Null is contagious, as in SQL,
unless a node says otherwise: what is missing stays missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

Number = float | int | None


class Inputs(Protocol):
    """What a leaf is read from when a formula is evaluated: see `aurora.features.vector`."""

    def leaf(self, leaf: Leaf) -> Number:
        """The number that this leaf stands for, or None."""
        ...


class Expression:
    """A formula. Combine with + − × ÷ and the functions of this module."""

    def sql(self) -> str:
        """The formula as a SQL scalar expression of type double precision."""
        raise NotImplementedError

    def value(self, inputs: Inputs) -> Number:
        """The formula's value on these inputs."""
        raise NotImplementedError

    def children(self) -> tuple[Expression, ...]:
        return ()

    def leaves(self) -> Iterator[Leaf]:
        """Every leaf of the formula, from left to right."""
        for child in self.children():
            yield from child.leaves()

    def __add__(self, other: Operand) -> Expression:
        return _Binary("+", self, as_expression(other))

    def __radd__(self, other: Operand) -> Expression:
        return as_expression(other) + self

    def __sub__(self, other: Operand) -> Expression:
        return _Binary("-", self, as_expression(other))

    def __rsub__(self, other: Operand) -> Expression:
        return as_expression(other) - self

    def __mul__(self, other: Operand) -> Expression:
        return _Binary("*", self, as_expression(other))

    def __rmul__(self, other: Operand) -> Expression:
        return as_expression(other) * self

    def __truediv__(self, other: Operand) -> Expression:
        return _Binary("/", self, as_expression(other))

    def __rtruediv__(self, other: Operand) -> Expression:
        return as_expression(other) / self

    def __neg__(self) -> Expression:
        return 0.0 - self


Operand = Expression | float | int


class Leaf(Expression):
    """A formula that reads an input: a column in SQL, a look-up when evaluated."""

    def column(self) -> str:
        raise NotImplementedError

    def sql(self) -> str:
        return self.column()

    def value(self, inputs: Inputs) -> Number:
        return inputs.leaf(self)

    def leaves(self) -> Iterator[Leaf]:
        yield self


@dataclass(frozen=True)
class Column(Leaf):
    """A column of the row at hand."""

    name: str

    def column(self) -> str:
        return self.name


@dataclass(frozen=True)
class Constant(Expression):
    number: float

    def sql(self) -> str:
        return f"{self.number!r}::float8" if self.number >= 0 else f"({self.number!r}::float8)"

    def value(self, inputs: Inputs) -> Number:
        del inputs
        return self.number


def as_expression(operand: Operand) -> Expression:
    return operand if isinstance(operand, Expression) else Constant(float(operand))


_OPERATIONS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
}


@dataclass(frozen=True)
class _Binary(Expression):
    operator: str
    left: Expression
    right: Expression

    def sql(self) -> str:
        right = f"nullif({self.right.sql()}, 0)" if self.operator == "/" else self.right.sql()
        return f"({self.left.sql()} {self.operator} {right})"

    def value(self, inputs: Inputs) -> Number:
        left, right = self.left.value(inputs), self.right.value(inputs)
        if left is None or right is None or (self.operator == "/" and right == 0):
            return None
        return _OPERATIONS[self.operator](left, right)

    def children(self) -> tuple[Expression, ...]:
        return self.left, self.right


_FUNCTIONS: Final[dict[str, Callable[[float], float]]] = {
    "exp": math.exp,
    "cos": math.cos,
    "abs": abs,
}


@dataclass(frozen=True)
class _Function(Expression):
    name: str
    argument: Expression

    def sql(self) -> str:
        return f"{self.name}({self.argument.sql()})"

    def value(self, inputs: Inputs) -> Number:
        argument = self.argument.value(inputs)
        return None if argument is None else _FUNCTIONS[self.name](argument)

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)


def exp(argument: Operand) -> Expression:
    return _Function("exp", as_expression(argument))


@dataclass(frozen=True)
class _Logarithm(Expression):
    argument: Expression

    def sql(self) -> str:
        argument = self.argument.sql()
        return f"ln(case when {argument} > 0 then {argument} end)"

    def value(self, inputs: Inputs) -> Number:
        argument = self.argument.value(inputs)
        return None if argument is None or argument <= 0 else math.log(argument)

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)


def ln(argument: Operand) -> Expression:
    """The natural logarithm; missing where there is none, at 0 and below, where both engines would raise."""
    return _Logarithm(as_expression(argument))


def cos(argument: Operand) -> Expression:
    return _Function("cos", as_expression(argument))


def absolute(argument: Operand) -> Expression:
    return _Function("abs", as_expression(argument))


@dataclass(frozen=True)
class _Clip(Expression):
    argument: Expression
    low: float
    high: float

    def sql(self) -> str:
        argument = self.argument.sql()
        # least() and greatest() ignore nulls: without the case a missing value would become a border.
        inside = f"least(greatest({argument}, {self.low!r}::float8), {self.high!r}::float8)"
        return f"case when {argument} is not null then {inside} end"

    def value(self, inputs: Inputs) -> Number:
        argument = self.argument.value(inputs)
        return None if argument is None else min(max(argument, self.low), self.high)

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)


def clip(argument: Operand, low: float, high: float) -> Expression:
    """The argument, moved to the nearer border when it lies outside [low, high]."""
    return _Clip(as_expression(argument), float(low), float(high))


@dataclass(frozen=True)
class _Coalesce(Expression):
    arguments: tuple[Expression, ...]

    def sql(self) -> str:
        return f"coalesce({', '.join(argument.sql() for argument in self.arguments)})"

    def value(self, inputs: Inputs) -> Number:
        values = (argument.value(inputs) for argument in self.arguments)
        return next((value for value in values if value is not None), None)

    def children(self) -> tuple[Expression, ...]:
        return self.arguments


def coalesce(*arguments: Operand) -> Expression:
    """The first argument that is not missing."""
    return _Coalesce(tuple(as_expression(argument) for argument in arguments))


@dataclass(frozen=True)
class _Interpolate(Expression):
    argument: Expression
    points: tuple[tuple[float, float], ...]

    def sql(self) -> str:
        x = self.argument.sql()
        branches = [f"when {x} <= {self.points[0][0]!r} then {self.points[0][1]!r}::float8"]
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            line = f"{y0!r}::float8 + ({x} - {x0!r}) * {(y1 - y0) / (x1 - x0)!r}::float8"
            branches.append(f"when {x} <= {x1!r} then {line}")
        branches.append(f"when {x} is not null then {self.points[-1][1]!r}::float8")
        return f"case {' '.join(branches)} end"

    def value(self, inputs: Inputs) -> Number:
        x = self.argument.value(inputs)
        if x is None:
            return None
        if x <= self.points[0][0]:
            return self.points[0][1]
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:], strict=False):
            if x <= x1:
                return y0 + (x - x0) * ((y1 - y0) / (x1 - x0))
        return self.points[-1][1]

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)


def interpolate(argument: Operand, *points: tuple[float, float]) -> Expression:
    """Straight lines through the (x, y) points, x ascending; level on both sides of them."""
    numbers = tuple((float(x), float(y)) for x, y in points)
    return _Interpolate(as_expression(argument), numbers)


@dataclass(frozen=True)
class _Steps(Expression):
    argument: Expression
    steps: tuple[tuple[float, float], ...]
    below: float

    def sql(self) -> str:
        x = self.argument.sql()
        branches = [f"when {x} >= {at!r} then {points!r}::float8" for at, points in self.steps]
        return f"case {' '.join(branches)} when {x} is not null then {self.below!r}::float8 end"

    def value(self, inputs: Inputs) -> Number:
        x = self.argument.value(inputs)
        if x is None:
            return None
        return next((points for at, points in self.steps if x >= at), self.below)

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)


def steps(argument: Operand, *levels: tuple[float, float], below: float) -> Expression:
    """The points of the highest level whose threshold is reached: levels (threshold, points), any order."""
    ordered = tuple(sorted(((float(at), float(points)) for at, points in levels), reverse=True))
    return _Steps(as_expression(argument), ordered, float(below))


@dataclass(frozen=True)
class _Choose(Expression):
    """One formula per interval of a selector: `case when lower <= selector < upper`."""

    selector: Expression
    branches: tuple[tuple[float, float, Expression], ...]

    def sql(self) -> str:
        x = self.selector.sql()
        whens = " ".join(
            f"when {x} >= {low!r} {f'and {x} < {high!r} ' if high < math.inf else ''}then {branch.sql()}"
            for low, high, branch in self.branches
        )
        return f"case {whens} end"

    def value(self, inputs: Inputs) -> Number:
        x = self.selector.value(inputs)
        if x is None:
            return None
        for low, high, branch in self.branches:
            if low <= x < high:
                return branch.value(inputs)
        return None

    def children(self) -> tuple[Expression, ...]:
        return (self.selector, *(branch for _, _, branch in self.branches))


def choose(selector: Operand, *branches: tuple[float, float, Operand]) -> Expression:
    """The formula of the interval [low, high) in which the selector lies; missing outside all of them."""
    return _Choose(
        as_expression(selector),
        tuple((float(low), float(high), as_expression(branch)) for low, high, branch in branches),
    )


@dataclass(frozen=True)
class ColumnValues:
    """Inputs for formulas over plain columns, e.g. of a row of examples."""

    columns: dict[str, Any]

    def leaf(self, leaf: Leaf) -> Number:
        return self.columns[leaf.column()]
