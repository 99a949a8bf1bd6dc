"""True and false are no numbers and no texts, in any body."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from mppcqa.api.said import Said
from mppcqa.api.urls import api


def bodies() -> Iterator[type[Said]]:
    """Every body that an operation takes, found in the API itself."""
    todo: list[type[Said]] = [Said]
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        yield one


def test_a_field_that_takes_no_boolean_refuses_one() -> None:
    assert api.get_openapi_schema()["paths"]  # all are loaded
    tried = 0
    for body in set(bodies()):
        told = body.model_json_schema().get("properties", {})
        for name, field in body.model_fields.items():
            if "boolean" in str(told.get(field.alias or name)) or _takes_all(told[name]):
                continue
            tried += 1
            with pytest.raises(ValidationError) as refused:
                body.model_validate({name: True})
            assert name in {one["loc"][0] for one in refused.value.errors()}, (body, name)
    assert tried > 80


def _takes_all(told: dict[str, Any]) -> bool:
    return not {"type", "anyOf", "$ref", "enum", "const", "allOf", "items"} & told.keys()


class Example(Said):
    number: int | None = None
    yes: bool = False
    several: list[float] = []
    any: Any = None
    word: Literal["a", "b"] = "a"
    moment: dt.datetime | None = None


@pytest.mark.parametrize(
    ("given", "ok"),
    [
        ({"number": 1}, True),
        ({"number": False}, False),
        ({"several": [1.0, True]}, False),
        ({"several": [1, 2.5]}, True),
        ({"yes": True, "any": True}, True),
        ({"word": True}, False),
        ({"moment": "2026-05-04T12:30:00Z"}, True),
        ({"unknown": 1}, False),
    ],
)
def test_what_a_body_takes(given: dict[str, Any], ok: bool) -> None:
    if ok:
        Example.model_validate(given)
    else:
        with pytest.raises(ValidationError):
            Example.model_validate(given)
