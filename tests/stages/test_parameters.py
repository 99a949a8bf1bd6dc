"""Whatever is given for a parameter, it is taken as it is meant or refused by name."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.stages import Parameter
from mppcqa.stages.parameters import clean_parameters
from mppcqa.stages.protocol import Kind

DEFAULTS: dict[str, Any] = {
    "integer": 1,
    "number": 1.0,
    "numbers": [1.0],
    "choice": "a",
    "flag": False,
    "text": "",
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def parameter(kind: Any) -> Parameter:
    return Parameter(
        key="it", title="The one", kind=kind, default=DEFAULTS[kind], choices=("a", "b")
    )


def cleaned(kind: str, value: Any) -> Any:
    return clean_parameters([parameter(kind)], {"it": value})["it"]


@given(kind=st.sampled_from(get_args(Kind)), value=ANYTHING)
def test_anything_is_taken_as_its_kind_or_refused_by_name(kind: str, value: Any) -> None:
    try:
        found = cleaned(kind, value)
    except ValueError as error:
        assert str(error).startswith("The one: ")  # noqa: PT017 - not each is refused
        return
    assert cleaned(kind, found) == found
    match kind:
        case "numbers":
            assert found
            assert all(type(one) is float and math.isfinite(one) for one in found)
        case "integer" | "number" | "flag":
            assert type(found) is {"integer": int, "number": float, "flag": bool}[kind]
        case "choice" | "text":
            assert type(found) is str


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_one_number_is_a_list_of_one(value: float) -> None:
    assert cleaned("numbers", value) == [value]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5), st.sampled_from(" ;\n\t"))
def test_a_list_is_read_as_it_was_written(values: list[float], between: str) -> None:
    assert cleaned("numbers", between.join(map(str, values))) == values


@pytest.mark.parametrize("value", [True, None, {"a": 1}, {}, b"5", object(), [None], [True], [[1]]])
def test_what_is_no_number_is_refused_in_a_list(value: Any) -> None:
    with pytest.raises(ValueError, match=r"The one: .*number"):
        cleaned("numbers", value)


@pytest.mark.parametrize(("text", "meant"), [("no", False), ("false", False), ("On", True)])
def test_a_flag_is_what_was_written(text: str, meant: bool) -> None:
    assert cleaned("flag", text) is meant


@pytest.mark.parametrize("value", ["maybe", 2, [], None])
def test_what_is_neither_true_nor_false_is_no_flag(value: Any) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        cleaned("flag", value)
