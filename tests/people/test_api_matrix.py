"""Who may do what by the API: every operation by every role, as `matrix.toml` says."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from mppcqa.api.urls import api
from mppcqa.inventory.models import Device, Institute, Shipment
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Analysis
from mppcqa.runs.models import Run, RunFile, Station
from tests.api.conftest import Program, program_of
from tests.people.test_matrix import CLASSES, MATRIX

PIECE = {"X-Piece-SHA256": "0" * 64}
QUERIES = {
    "post /devices/{serial}/attachments": "?name=a.txt",
    "put /uploads/{sha256}": "?size=1",
}
DELIVERY = "0" * 32
SUM, DAY = "0" * 64, "2026-01-01T00:00:00Z"
BODIES: dict[str, Any] = {
    "/devices": {"devices": [{"serial": "NEW-1", "device_type": "none"}]},
    "/stations/{name}/load": {"slots": {"1": "GX-000"}},
    "/stations/{name}/runs": {},
    "/tasks/{number}/kill": {"reason": "test"},
    "/tasks/{number}/priority": {"priority": 3},
    "/tasks": {"routine": "none"},
    "/moves": {"serials": ["GX-000"], "move": "hold", "why": "test"},
    "/devices/{serial}/comments": {"text": "test"},
    "/devices/{serial}/rename": {"serial": "GX-NEW", "reason": "test"},
    "/devices/{serial}/case": {"reason": "test"},
    "/cases/{number}/decide": {"disposition": "use", "why": "test"},
    "/records": {
        "serials": ["GX-000"],
        "kind": "x",
        "done_at": "2026-01-01T00:00:00Z",
        "facts": {},
    },
    "/records/{number}/withdraw": {"why": "test"},
    "/runs": {"stage": "pde", "slots": {"1": "no"}, "uuid": str(uuid4()), "sha256": SUM},
    "/plans": {"stage": "pde", "slots": {"1": "no"}},
    "/runs/{number}/kill": {},
    "/stations/{name}/maintenance": {},
    "/stations/{name}/reserve": {"hours": 0},
    "/shipments": {"origin": "no", "destination": "no", "serials": []},
    "/shipments/{number}/pack": {"serials": []},
    "/shipments/{number}/unpack": {"serials": []},
    "/shipments/{number}/receive": {"serials": []},
    "/schedules/{number}/switch": {"enabled": True},
    "/exports": {"what": "devices"},
    "/catalogue/{kind}": {},
    "/catalogue/{kind}/{number}": {},
    "/limits": {"stage": "pde", "title": "t", "limits": [{"quantity": "none"}]},
    "/webhooks": {"title": "t", "url": "https://qa.example.org/", "events": ["run.ended"]},
    "/webhooks/{number}": {"title": "other"},
    "/reanalyses": {"stage": "none"},
}


def operations() -> dict[str, str]:
    """``GET /devices`` -> its path, of all that persons may ask for."""
    found = {}
    for path, methods in api.get_openapi_schema()["paths"].items():
        path = path.removeprefix("/api/v1")
        if not path.startswith("/station/"):
            found |= {f"{method.upper()} {path}": path for method in methods}
    return found


@pytest.fixture
def programs(campaign: SimpleNamespace) -> dict[str, Program]:
    ours = Institute.objects.create(name="Ours")
    Device.objects.update(owner=ours)
    Run.objects.update(owner=ours)
    found = {}
    for key, role in ROLES.items():
        institute = ours if role.needs_institute else None
        found[key] = program_of(invite(f"the.{key}", role, institute=institute, by=None))
    return found


def test_every_operation_lets_through_whom_the_matrix_names(
    programs: dict[str, Program], campaign: SimpleNamespace
) -> None:
    stated = tomllib.loads(MATRIX.read_text())["api"]
    there = operations()
    assert set(stated) == set(there)
    wrong = []
    for name, path in there.items():
        method = name.partition(" ")[0].lower()
        found = set()
        for role, program in programs.items():
            address = _address(method, path, campaign, role)
            with transaction.atomic():
                answer = (
                    program.get(address)
                    if method == "get"
                    else program.send(method, address, BODIES.get(path, {}), **PIECE)
                )
                transaction.set_rollback(True)
            assert answer.status_code not in (405, 500), (name, role, answer.content)
            if answer.status_code not in (401, 403):
                found.add(role)
        if found != CLASSES[stated[name]]:
            wrong.append(f"{name}: {sorted(found)}, the matrix says {stated[name]}")
    assert not wrong, "\n".join(wrong)


def test_a_token_that_only_reads_changes_nothing(
    campaign: SimpleNamespace, programs: dict[str, Program]
) -> None:
    boss = invite("boss", ROLES["administrator"], by=None)
    reading = program_of(boss, writes=False)
    for name, path in operations().items():
        method = name.partition(" ")[0].lower()
        if method != "get":
            answer = reading.send(method, _address(method, path, campaign, "administrator"), {})
            assert answer.status_code == 403, name
            assert "only reads" in answer.json()["detail"]


def test_what_is_of_another_institute_is_not_there(
    campaign: SimpleNamespace, programs: dict[str, Program]
) -> None:
    """Whatever names something by its number or name: 404, never 403, which would tell of it."""
    elsewhere = Institute.objects.create(name="Elsewhere")
    bound = program_of(invite("pat", ROLES["partner"], institute=elsewhere, by=None))
    asked = 0
    for name, path in operations().items():
        of_all = path.startswith(("/limits", "/stations", "/catalogue", "/uploads", "/webhooks"))
        if name.startswith("GET") and "{" in path and not of_all:
            answer = bound.get(_address("get", path, campaign, "administrator"))
            assert answer.status_code == 404, (name, answer.content)
            asked += 1
        elif name.startswith("GET") and path in ("/devices", "/runs", "/analyses", "/verdicts"):
            assert bound.read(path[1:])["items"] == [], name
    assert asked > 8
    lines = b"".join(bound.get("measurements?format=csv").streaming_content).splitlines()
    assert len(lines) == 1


def _address(method: str, path: str, campaign: SimpleNamespace, role: str) -> str:
    """With something that there is in each place; tasks are the role's own."""
    serial = campaign.devices[0].serial
    about, query = path.split("/")[1], QUERIES.get(f"{method} {path}", "")
    if "{number}" in path:
        path = path.replace("{number}", str(_number(about, role)))
    name = {"trays": "T-1", "stations": Station.objects.earliest("pk").name}.get(about, "")
    path = path.replace("{kind}", "tags").replace("{sha256}", SUM)
    path = path.replace("{delivery}", DELIVERY)
    return path[1:].replace("{serial}", serial).replace("{name}", name) + query


def _case() -> int:
    from mppcqa.inventory.cases import Case

    return Case.objects.create(device=Device.objects.earliest("pk"), reason="test").pk


def _record() -> int:
    from django.utils import timezone

    from mppcqa.inventory.records import DeviceRecord

    device = Device.objects.earliest("pk")
    return DeviceRecord.objects.create(device=device, kind="x", done_at=timezone.now(), facts={}).pk


def _report() -> int:
    from mppcqa.reports.models import Report

    about = Device.objects.earliest("pk")
    said = {"about_model": about._meta.label_lower, "about_id": str(about.pk)}
    return Report.objects.create(**said, kind="device", title="t", file="gone").pk


def _export(role: str) -> int:
    from django.contrib.auth.models import User

    from mppcqa.exchange.models import Export

    by = User.objects.get(username=f"the.{role}")
    return Export.objects.create(what="devices", form="csv", file="gone", asked_by=by).pk


def _tag() -> int:
    from mppcqa.inventory.models import Tag

    return Tag.objects.get_or_create(name="a tag")[0].pk


def _schedule() -> int:
    from mppcqa.web.schedules.words import ours

    return int(ours().earliest("pk").pk)


def _hook(role: str) -> int:
    from django.contrib.auth.models import User

    from mppcqa.exchange.hooks.models import Delivery, Webhook

    by = User.objects.filter(username=f"the.{role}").first() or User.objects.earliest("pk")
    hook = Webhook.objects.create(owner=by, title="t", url="https://qa.example.org/")
    Delivery.objects.filter(uuid=DELIVERY).delete()
    Delivery.objects.create(hook=hook, event="test", key="k", body="{}", uuid=DELIVERY)
    return hook.pk


MADE: dict[str, Any] = {
    "cases": _case,
    "records": _record,
    "reports": _report,
    "catalogue": _tag,
    "schedules": _schedule,
}


def _number(about: str, role: str) -> int:
    if about == "tasks":
        from django.contrib.auth.models import User

        by = User.objects.filter(username=f"the.{role}").first()
        return Task.objects.create(name="reports.write", state=State.QUEUED, requested_by=by).pk
    if about == "attachments":
        from mppcqa.inventory.models import Attachment

        device = Device.objects.earliest("pk")
        return Attachment.objects.create(device=device, file="gone", original_name="g.txt").pk
    if about == "shipments":
        device = Device.objects.earliest("pk")
        place = Institute.objects.earliest("pk")
        made = Shipment.objects.create(origin=place, destination=place)
        made.devices.add(device)
        return made.pk
    if about == "webhooks":
        return _hook(role)
    if about == "exports":
        return _export(role)
    if about in MADE:
        return MADE[about]()
    from mppcqa.limits.models import LimitSet, Verdict

    models: dict[str, Any] = {
        "runs": Run,
        "files": RunFile,
        "analyses": Analysis,
        "verdicts": Verdict,
        "limits": LimitSet,
    }
    return int(models[about].objects.earliest("pk").pk)
