"""The description of the API stays what programs rely on; `MPPCQA_RECORD=1` records it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from mppcqa.api.urls import api
from tests.api.conftest import Program
from tests.kept import RECORD

FROZEN = Path(__file__).with_name("openapi.json")
METHODS = {"get", "post", "put", "patch", "delete"}


def described() -> dict[str, Any]:
    """The description as it is served; the version of the program is no promise."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
    found["info"].pop("version")
    return found


def broken(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What a program that was written for the old description can't rely on any more."""
    for path, methods in old["paths"].items():
        for method in METHODS & set(methods):
            there = new["paths"].get(path, {}).get(method)
            if there is None:
                yield f"{method} {path} is gone"
                continue
            yield from _parameters(methods[method], there, f"{method} {path}")
    for name, schema in old["components"]["schemas"].items():
        there = new["components"]["schemas"].get(name)
        if there is None:
            yield f"{name} is gone"
            continue
        yield from _properties(schema, there, name)


def _parameters(old: Any, new: Any, where: str) -> Iterator[str]:
    before = {one["name"]: one for one in old.get("parameters", ())}
    after = {one["name"]: one for one in new.get("parameters", ())}
    for name, one in before.items():
        if name not in after:
            yield f"{where}: {name} is gone"
        elif one["schema"].get("type") != after[name]["schema"].get("type"):
            yield f"{where}: {name} is of another type"
    for name, one in after.items():
        if one.get("required") and not before.get(name, {}).get("required"):
            yield f"{where}: {name} is needed"
    if set(old["responses"]) - set(new["responses"]):
        yield f"{where}: another answer"


def _properties(old: Any, new: Any, name: str) -> Iterator[str]:
    for key, one in old.get("properties", {}).items():
        there = new.get("properties", {}).get(key)
        if there is None:
            yield f"{name}.{key} is gone"
        elif _kind(one) != _kind(there):
            yield f"{name}.{key} is of another type"
    for key in new.get("required", ()):
        if key not in old.get("required", ()) and new.get("additionalProperties") is False:
            yield f"{name}.{key} is needed"


def _kind(schema: Any) -> Any:
    """What a value may be, whatever is said about it."""
    several = sorted(str(_kind(one)) for one in schema.get("anyOf", ()))
    return (
        several,
        schema.get("type"),
        schema.get("$ref"),
        json.dumps(schema.get("items"), sort_keys=True),
    )


def test_what_programs_rely_on_stays() -> None:
    now = described()
    if RECORD:
        FROZEN.write_text(json.dumps(now, indent=0, sort_keys=True) + "\n")
    assert not list(broken(json.loads(FROZEN.read_text()), now))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda one: one["paths"].pop("/api/v1/me"), "get /api/v1/me is gone"),
        (lambda one: one["paths"]["/api/v1/runs"]["get"]["parameters"].pop(), "is gone"),
        (lambda one: one["components"]["schemas"]["Verdict"]["properties"].pop("waived"), "waived"),
        (
            lambda one: one["components"]["schemas"]["Slot"]["properties"]["slot"].update(
                type="string"
            ),
            "Slot.slot is of another type",
        ),
        (
            lambda one: one["components"]["schemas"]["Kill"].update(required=["reason"]),
            "Kill.reason is needed",
        ),
    ],
)
def test_what_breaks_a_program_is_noticed(break_it: Any, said: str) -> None:
    old, new = described(), deepcopy(described())
    assert not list(broken(old, new))
    break_it(new)
    [found] = broken(old, new)
    assert said in found


def test_it_is_served_as_openapi_3_1_and_every_operation_says_what_it_does(db: None) -> None:
    told = Program("").get("openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert "Bearer" in json.dumps(told["components"]["securitySchemes"])
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            assert one["summary"], path
            assert one["description"], path
            assert one["security"], (method, path)
