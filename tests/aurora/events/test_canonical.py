"""The quick way to a canonical text is the same as the plain one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.events.canonical import canonical

ascii_text = st.text(alphabet=st.characters(max_codepoint=127))
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text() | ascii_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def plainly(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@given(value=values)
def test_any_value_is_written_as_pythons_own_encoder_does(value: Any) -> None:
    assert canonical(value) == plainly(value)


@pytest.mark.parametrize(
    "value",
    [
        1e-4,
        9.9e-5,
        1e15,
        1e16,
        1e22,
        5e-324,
        -0.0,
        2**70,
        "\x7f",
        "\x1f\n",
        "ø",
        "2e",
        "\ud800",
        {"b": 1, "a": 2},
    ],
)
def test_values_at_which_encoders_differ(value: Any) -> None:
    assert canonical(value) == plainly(value)
