"""Lists with some fields of their rows alone, found from the API's own description."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.api.urls import api
from mppcqa.inventory.models import Institute, Shipment
from mppcqa.queue import submit
from mppcqa.reports.models import Report
from tests.api.conftest import Program, program_of

pytestmark = pytest.mark.django_db(transaction=True)


def lists() -> dict[str, list[str]]:
    """Each list that takes `fields`, with the fields of its rows."""
    described = api.get_openapi_schema()
    schemas, found = described["components"]["schemas"], {}
    for path, methods in described["paths"].items():
        taken = [one["name"] for one in methods.get("get", {}).get("parameters", ())]
        if "fields" not in taken:
            continue
        answer = methods["get"]["responses"][200]["content"]["application/json"]["schema"]
        row = named(schemas, answer)["properties"]["items"]["items"]
        found[path.removeprefix("/api/v1/")] = list(named(schemas, row)["properties"])
    return found


def named(schemas: dict[str, Any], there: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[there["$ref"].rpartition("/")[2]]
    return found


def test_each_field_of_each_list_comes_alone_and_as_it_is_in_the_whole(
    campaign: SimpleNamespace, operator: User
) -> None:
    program = program_of(operator)
    for one in ("devices", "runs"):
        assert program.send("post", "exports", {"what": one}).status_code == 201
    here, away = (Institute.objects.create(name=name) for name in ("here", "away"))
    Shipment.objects.create(origin=here, destination=away).devices.add(*campaign.devices)
    Report.objects.create(kind="array", about_model="inventory.device", about_id="1", title="A-1")
    submit("runs.space", by=operator)
    there = lists()
    assert {"devices", "runs", "tasks", "exports", "shipments"} <= there.keys()
    for path, fields in there.items():
        whole = read(program, path)
        assert whole["items"], path
        for one in fields:
            narrow = read(program, f"{path}?fields={one}")
            assert narrow["next"] == whole["next"]
            wanted = [{one: row[one]} if one in row else {} for row in whole["items"]]
            assert narrow["items"] == wanted, (path, one)
        two = read(program, f"{path}?fields={fields[-1]},{fields[0]}&limit=1")
        assert two["items"][0].keys() <= {fields[-1], fields[0]}


def read(program: Program, path: str) -> Any:
    answer = program.get(path)
    assert answer.status_code == 200, (path, answer.content)
    return answer.json()


def test_a_field_that_no_row_has_is_refused_with_those_there_are(
    transactional_db: None, operator: User
) -> None:
    program = program_of(operator)
    for path, fields in lists().items():  # of an empty list as well
        answer = program.get(f"{path}?fields={fields[0]},colour_of_hair")
        assert answer.status_code == 422, path
        [fault] = answer.json()["errors"]
        assert fault["field"] == "fields"
        assert "colour_of_hair" in fault["message"]
        assert fields[0] in fault["message"]
