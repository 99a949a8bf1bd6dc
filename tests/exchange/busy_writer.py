"""Somebody at work, as a process of its own: values, verdicts, and rows that belong together."""

from __future__ import annotations

import sys
from pathlib import Path

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import transaction  # noqa: E402

from mppcqa.inventory.models import Comment, Device, Maker, Tag  # noqa: E402
from mppcqa.queue import submit  # noqa: E402
from mppcqa.queue.logs import LogWriter, log_path  # noqa: E402
from mppcqa.runs.models import Station  # noqa: E402
from tests.campaign import measured_run  # noqa: E402


def work(name: str, stop: Path) -> None:
    """One round after the other until the file `stop` is there."""
    operator, station = User.objects.get(), Station.objects.get(name="pde-1")
    devices = list(Device.objects.order_by("pk"))
    device = devices[0]
    number = 0
    while not stop.exists():
        with transaction.atomic():
            # Three tables that a backup copies at quite different times.
            Comment.objects.create(device=device, text=f"{name} {number}")
            Maker.objects.create(name=f"{name} {number}")
            Tag.objects.create(name=f"{name} {number}")
        measured_run(station, devices, operator)
        task = submit("queue.retention")
        log = LogWriter(log_path(task.pk, 1))
        log.line(f"{name} {number} " + "x" * 2000)
        log.close()
        number += 1


work(sys.argv[1], Path(sys.argv[2]))
