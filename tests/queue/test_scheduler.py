"""The scheduler itself, as a process, on the database of the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django_celery_beat.models import PeriodicTask

from mppcqa.queue.schedules import timing
from tests.workers import child_environment, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_scheduler_starts_what_is_due() -> None:
    row = PeriodicTask.objects.create(
        name="each second",
        task="mppcqa.queue.scheduled",
        kwargs='{"name": "nothing"}',
        **timing(every_s=1),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "mppcqa.cli", "scheduler"],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def started() -> bool:
        row.refresh_from_db()
        return row.total_run_count > 1 or process.poll() is not None

    try:
        wait_until(started, what="it started it twice")
    finally:
        process.terminate()
        said = process.communicate()[0]
    assert row.total_run_count > 1, said[-2000:]
    assert "Error" not in said
