"""What operators do all day stays cheap, however many stations, trays and devices there are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mppcqa.inventory.models import Device, Tray
from mppcqa.queue.models import State, Task
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import LoadedDevice, Run, Station
from tests.web.formfields import opened
from tests.web.test_queue_forms import RUN

MOST = {"register": 12, "load": 15, "start": 38, "kill": 17, "comment": 4,
        "unload": 18}  # fmt: skip
"""Queries of each step, with the transactions' own."""


@pytest.mark.django_db
def test_a_round_of_an_operator_asks_little_of_the_database(
    campaign: SimpleNamespace,
    browser_client: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    kind = campaign.devices[0].device_type
    for number in range(10):
        Tray.objects.create(name=f"T-9{number}", rows=2, columns=2)
        station = Station.objects.create(name=f"other-{number}", stage="pde", slots=1)
        other = Device.objects.create(serial=f"OTHER-{number}", device_type=kind)
        LoadedDevice.objects.create(station=station, slot=1, device=other)
        station_lane(station)
    counts, page = {}, "/stations/darkbox-1/"
    for name, path, data in (
        ("register", "/devices/register/", {"serial": "GX-900", "device_type": kind.pk}),
        ("load", f"{page}load/", {"slot-1": "GX-900"}),
        ("start", f"{page}start/", RUN),
        ("kill", "{run}kill/", {"reason": "wrong bias"}),
        ("comment", "/devices/GX-900/comment/", {"text": "loaded by hand"}),
        ("unload", f"{page}unload/", {}),
    ):
        run = Run.objects.order_by("-pk").values_list("pk", flat=True).first()
        marked = opened(browser_client, page, path) if name in ("start", "unload") else {}
        with (
            CaptureQueriesContext(connection) as queries,
            django_capture_on_commit_callbacks(execute=True),
        ):
            # As a browser sends a form that takes no file.
            response = browser_client.post(
                path.format(run=f"/runs/{run}/"),
                urlencode({**data, **marked}, doseq=True),
                content_type="application/x-www-form-urlencoded",
            )
        assert response.status_code == 302, (name, response.content)
        counts[name] = len(queries)
    assert {name: n for name, n in counts.items() if n > MOST[name]} == {}
    run_tasks = Task.objects.filter(group=Run.objects.order_by("-pk")[0].task_group)
    assert {task.state for task in run_tasks} == {State.KILLED}
    assert not LoadedDevice.objects.filter(device__serial="GX-900").exists()
