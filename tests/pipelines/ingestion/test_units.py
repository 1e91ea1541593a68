"""Scales and units keep order, meet their ends exactly, and can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingestion.units import UNITS, Scale, convert_unit

ENDS = st.floats(-1e3, 1e3).map(lambda number: round(number, 3))


@st.composite
def scales(draw: st.DrawFn) -> Scale:
    low = draw(ENDS)
    width = draw(st.floats(0.5, 1e3).map(lambda number: round(number, 3)))
    to_low, to_high = draw(st.tuples(ENDS, ENDS).filter(lambda ends: abs(ends[0] - ends[1]) > 0.01))
    return Scale(low, low + width, to_low, to_high)


@given(scales())
def test_both_ends_of_a_scale_are_met_exactly(scale: Scale) -> None:
    assert (scale.convert(scale.low), scale.convert(scale.high)) == (scale.to_low, scale.to_high)


@given(scales(), st.floats(0, 1))
def test_what_lies_within_a_scale_stays_within(scale: Scale, share: float) -> None:
    converted = scale.convert(scale.low + share * (scale.high - scale.low))

    low, high = sorted((scale.to_low, scale.to_high))
    assert low - 1e-6 <= converted <= high + 1e-6


@given(scales(), st.floats(0, 1), st.floats(0, 1))
def test_a_scale_keeps_or_turns_the_order(scale: Scale, first: float, second: float) -> None:
    width = scale.high - scale.low
    one, other = (scale.convert(scale.low + share * width) for share in sorted((first, second)))

    assert (one <= other + 1e-9) if scale.to_low < scale.to_high else (one >= other - 1e-9)


@given(scales(), st.floats(0, 1))
def test_a_scale_can_be_undone(scale: Scale, share: float) -> None:
    value = scale.low + share * (scale.high - scale.low)
    back = Scale(min(scale.to_low, scale.to_high), max(scale.to_low, scale.to_high), 0, 1)
    undone = back.convert(scale.convert(value))
    expected = share if scale.to_low < scale.to_high else 1 - share

    assert undone == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (7.1, "h", 426.0),
        (31_260_000, "ms", 521.0),
        (5, "km", 5_000.0),
        (98.6, "°F", 37.0),
        (150, "lb", 68.0388555),
        (0.93, "fraction", 93.0),
        (418.4, "kJ", 100.0),
    ],
)
def test_units_become_canonical_without_binary_noise(value: float, unit: str, expected: float) -> None:
    assert convert_unit(value, unit) == expected


@given(st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_unit_keeps_the_order(unit: str, one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert convert_unit(low, unit) <= convert_unit(high, unit)
