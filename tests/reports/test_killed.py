"""Reports that a worker writes and that are killed when half of the file stands there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from mppcqa.disk import clear_left_over
from mppcqa.public_address import public_address
from mppcqa.queue import kill, submit
from mppcqa.queue.models import State
from mppcqa.reports.archive import reports_of
from mppcqa.reports.kinds import find_kind
from mppcqa.reports.models import Report
from tests.queue.test_worker import ended
from tests.reports.halting import ASKED
from tests.workers import running_worker, wait_until


def files() -> set[Path]:
    """All that stands in the archive's folder, whole or not."""
    return {one for one in Path(default_storage.path("reports")).rglob("*") if one.is_file()}


@pytest.mark.django_db(transaction=True)
def test_a_report_killed_half_way_leaves_no_file_and_is_made_again(
    campaign: SimpleNamespace,
) -> None:
    device, before = campaign.devices[0], files()
    halt = Path(settings.MPPCQA_HOME) / ASKED
    told = {"kind": "certificate", "number": device.pk, "language": "en", "paper": "A4"}
    halt.write_text("wait")
    with running_worker("--concurrency", "1", routines="tests.reports.halting"):
        task = submit("reports.write", told, about=device)
        wait_until(lambda: not halt.exists(), what="half of the file stands there")
        assert kill(task, reason="not this one")
        assert ended(task).state == State.KILLED
        assert "not this one" in task.kill_reason
        assert not Report.objects.exists()
        # The process dies by itself, as where memory has run out: another attempt has it.
        halt.write_text("die")
        again = ended(submit("reports.write", told, about=device))
        assert (again.state, again.attempt) == (State.SUCCEEDED, 2), again.error_text
        assert again.attempts.get(number=1).state == State.LOST
    row = reports_of(device).get()
    # What a dead process had begun has no name, and goes with the next clearing.
    clear_left_over(Path(default_storage.path("reports")), deep=True)
    assert files() - before == {Path(row.file.path)}
    whole = find_kind("certificate").write(device, public_address(), "A4").opened().read()
    assert Path(row.file.path).read_bytes() == whole
