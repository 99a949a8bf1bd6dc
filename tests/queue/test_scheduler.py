"""The scheduler itself, as a process, on the database of the tests."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from django_celery_beat.models import PeriodicTask

from mppcqa.queue.schedules import timing
from tests.workers import child_environment

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_scheduler_starts_what_is_due() -> None:
    row = PeriodicTask.objects.create(
        name="each second", task="mppcqa.queue.scheduled", args='["nothing"]', **timing(every_s=1)
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "mppcqa.cli", "scheduler"],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    try:
        while row.total_run_count == 0 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
            row.refresh_from_db()
    finally:
        process.terminate()
        said = process.communicate(timeout=30)[0]
    assert row.total_run_count > 0, said[-2000:]
