"""Devices, runs, analyses, verdicts, shipments and people are named beyond their own database."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User

from mppcqa.database.identity import uuid7
from mppcqa.exchange.exports import write_list
from mppcqa.inventory.models import Device, Institute, Person
from mppcqa.inventory.shipping import pack
from mppcqa.limits.models import Verdict
from mppcqa.queue.errors import TaskError
from mppcqa.results.models import Analysis
from mppcqa.runfile import RunWriter
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.runs.tasks import check_devices, configuration

pytestmark = pytest.mark.django_db


def test_they_sort_by_their_time_and_never_come_twice() -> None:
    made = [uuid7() for _ in range(2000)]
    assert len(set(made)) == 2000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    moments = [one.int >> 80 for one in made]
    assert moments == sorted(moments)


def test_everything_that_travels_has_one(campaign: SimpleNamespace) -> None:
    there = Institute.objects.create(name="elsewhere")
    user = User.objects.create_user("ana", password="irrelevant-here")
    shipment = pack(campaign.place, there, ["GX-003"], by=user)
    rows = [*Device.objects.all(), Run.objects.get(), *Analysis.objects.all()]
    rows += [*Verdict.objects.all(), shipment, Person.objects.get(user=user)]
    assert len({one.uuid for one in rows}) == len(rows)
    assert all(isinstance(one.uuid, UUID) and one.uuid.version == 7 for one in rows)


def test_lists_name_them(campaign: SimpleNamespace, tmp_path: Path) -> None:
    for what, wanted in (
        ("devices", {str(one.uuid) for one in Device.objects.all()}),
        ("runs", {str(Run.objects.get().uuid)}),
    ):
        write_list(what, "parquet", tmp_path / "list.parquet", {})
        assert set(pq.read_table(tmp_path / "list.parquet")["uuid"].to_pylist()) == wanted
    write_list("values", "parquet", tmp_path / "list.parquet", {})
    named = set(pq.read_table(tmp_path / "list.parquet")["analysis_uuid"].to_pylist())
    assert named == {str(Analysis.objects.get().uuid)}


def test_a_run_file_of_another_database_is_refused(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    user = User.objects.create_user("ana", password="irrelevant-here")
    run = Run.objects.create(stage="pde", station=campaign.stations[0], operator=user)
    RunSlot.objects.create(run=run, slot=1, device=campaign.devices[0])
    asked = json.loads(json.dumps(configuration(run, tmp_path)))
    assert asked["run_uuid"] == str(run.uuid)
    assert asked["operator_uuid"] == str(Person.objects.get(user=user).uuid)
    assert asked["slots"][0]["uuid"] == str(campaign.devices[0].uuid)
    keys = ("run", "run_uuid", "operator_uuid", "stage", "station", "operator", "slots")
    meta = {key: asked[key] for key in keys} | {
        "program": "test 1",
        "started": "2026-11-28T11:00:00Z",
    }
    with RunWriter(tmp_path / "run.root", meta) as writer:
        writer.point(0, bias_v=71.0, temperature_c=20.0, light=0.0)
    check_devices(run, tmp_path / "run.root")
    run.uuid = uuid7()
    with pytest.raises(TaskError, match="of another database"):
        check_devices(run, tmp_path / "run.root")
    assert not RunFile.objects.filter(run=run).exists()
