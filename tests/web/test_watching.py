"""What programs that watch the server are told: it lives, it is ready, how it fares."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from mppcqa.queue.models import State, Task, Worker
from mppcqa.store.models import StoredFault

pytestmark = pytest.mark.django_db
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
TOKEN = {"Authorization": "Bearer a-long-secret"}


@pytest.fixture
def gauges(settings):
    settings.MPPCQA_METRICS_TOKEN = "a-long-secret"

    def read() -> dict[str, float]:
        answer = Client().get("/metrics", headers=TOKEN)
        assert answer.status_code == 200
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return read


def test_anybody_may_ask_whether_it_lives_and_is_ready() -> None:
    assert Client().get("/health/live").text == "ok\n"
    answer = Client().get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "database": True, "schema": True, "disk": True}
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_server_without_its_database_lives_but_is_not_ready(tmp_path: Path) -> None:
    program = (
        "import django, json; django.setup()\n"
        "from django.test import Client\n"
        "live, ready = (Client().get(f'/health/{one}') for one in ('live', 'ready'))\n"
        "print(json.dumps([live.status_code, ready.status_code, ready.json()]))\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "MPPCQA_HOME": str(tmp_path),
        "MPPCQA_URL": "http://testserver",
        "MPPCQA_DATABASE": "mysql://nobody:secret@127.0.0.1:1/nowhere",
    }
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    live, ready, said = json.loads(ended.stdout.splitlines()[-1])
    assert (live, ready) == (200, 503)
    assert said == {"ready": False, "database": False, "schema": False, "disk": True}
    assert "secret" not in ended.stdout


def test_gauges_are_for_who_has_the_token_or_administers(admin_user, django_user_model) -> None:
    def status(client: Client, **headers: str) -> int:
        return client.get("/metrics", headers=headers).status_code

    assert status(Client()) == 401
    assert status(Client(), Authorization="Bearer ") == 401
    with override_settings(MPPCQA_METRICS_TOKEN="a-long-secret"):
        assert status(Client(), **TOKEN) == 200
        assert status(Client(), Authorization="Bearer a-long-secret-too") == 401
        assert status(Client(), Authorization="Basic a-long-secret") == 401
        assert status(Client()) == 401
    for user, expected in (
        (admin_user, 200),
        (django_user_model.objects.create_user("technician"), 401),
    ):
        client = Client()
        client.force_login(user)
        assert status(client) == expected


def test_the_gauges_say_what_waits_who_works_and_what_is_broken(gauges) -> None:
    now = timezone.now()
    before = gauges()
    Task.objects.create(name="one", state=State.RUNNING)
    Task.objects.create(name="two", state=State.QUEUED, queued_at=now - dt.timedelta(minutes=5))
    for number, seen in enumerate((now, now - dt.timedelta(minutes=2))):
        Worker.objects.create(name=f"w{number}", host="here", process_id=number, heartbeat_at=seen)
    StoredFault.objects.create(name="runs/1.root", what="damaged")
    after = gauges()
    assert before["mppcqa_tasks_open running"] == 0
    assert after["mppcqa_tasks_open running"] == 1
    assert after["mppcqa_tasks_open queued"] == 1
    assert before["mppcqa_queue_wait_seconds"] == 0
    assert 300 <= after["mppcqa_queue_wait_seconds"] < 900
    assert (after["mppcqa_workers taking"], after["mppcqa_workers silent"]) == (1, 1)
    assert after["mppcqa_stored_faults damaged"] == before["mppcqa_stored_faults damaged"] + 1
    assert 0 < after["mppcqa_disk_free_bytes home"] < after["mppcqa_disk_size_bytes home"]


def test_what_never_was_has_no_age(gauges, settings, tmp_path: Path) -> None:
    settings.MPPCQA_BACKUPS = tmp_path
    assert "mppcqa_backup_age_seconds" not in gauges()
    made = tmp_path / f"mppcqa-{timezone.now() - dt.timedelta(hours=3):%Y%m%d-%H%M%S}"
    made.mkdir()
    (made / "manifest.json").write_text("{}")
    assert 3 * 3600 <= gauges()["mppcqa_backup_age_seconds"] < 4 * 3600


def test_every_gauge_is_explained_and_every_alarm_asks_for_a_gauge_there_is(
    gauges, settings, tmp_path: Path
) -> None:
    Worker.objects.create(name="w", host="here", process_id=1)
    text = OPERATIONS.read_text()
    explained = set(re.findall(r"^\| `(mppcqa_\w+)", text, re.MULTILINE))
    asked = set(re.findall(r"mppcqa_\w+", "".join(re.findall(r"expr: (.*)", text))))
    never = {"mppcqa_backup_age_seconds", "mppcqa_ingest_age_seconds", "mppcqa_tasks_ended_total"}
    there = {name.partition(" ")[0] for name in gauges()} | never
    there |= {"mppcqa_scheduler_age_seconds"}
    assert there - {"mppcqa_analyses_created"} == explained
    assert asked <= there
    alarms = re.findall(r"alert: (\w+)", text)
    assert alarms
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == alarms
