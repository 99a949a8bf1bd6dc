"""Ten seconds before hours: a bad contact is told by slot, and the run asks or stops by rule."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mppcqa.queue.models import Message, State
from mppcqa.runs.models import Run, Station
from mppcqa.web.stations.watched import _contacts, _spectra
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_console import faults_of
from tests.browser.test_scans import bench  # noqa: F401
from tests.workers import running_worker, wait_until


def simulate(fault: str, seconds: float = 0.0) -> Run:
    """What the latest run's program is to do."""
    run = Run.objects.latest("pk")
    run.parameters |= {"simulate_fault": fault, "seconds_a_point": seconds, "events": 300}
    run.save(update_fields=["parameters"])
    return run


@pytest.mark.timeout(600)
def test_a_bad_contact_is_told_by_slot_and_the_run_asks(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    for serial in ("GX-000", "GX-001"):
        scan(serial)
        scan.says(f"{serial} →")
    scan(".START")
    scan.says("Started with 2 devices")
    first = simulate("dead")
    with running_worker("--concurrency", "1"):
        page.locator(".bench-word", has_text="trouble").wait_for(timeout=120_000)
        page.get_by_text("Bad contact:").wait_for()
        page.locator(".bench-slot", has_text="GX-000").get_by_text("dead: 0").wait_for()
        page.locator(".bench-slot", has_text="GX-001").get_by_text("contact").wait_for()
        assert Run.objects.get(pk=first.pk).state == State.FAILED
        assert not first.files.exists()
        assert faults_of(page) == []
        # By the rule nothing is measured so.
        Station.objects.filter(name="darkbox-1").update(bad_contact="block")
        page.get_by_role("button", name="Measure all the same").wait_for(state="hidden")
        scan(".ANYWAY")
        page.get_by_text("measures nothing whose contact is bad").wait_for()
        Station.objects.filter(name="darkbox-1").update(bad_contact="ask")
        # The former run's settings count, and somebody says to go on.
        simulate("dead", 30.0)
        page.get_by_role("button", name="Measure all the same").click()
        scan.says("Started with 2 devices")
        page.locator(".bench-curves", has_text="First spectrum").wait_for(timeout=120_000)
        page.locator(".bench-slot", has_text="GX-000").get_by_text("dead: 0").wait_for()
        second = Run.objects.latest("pk")
        assert (first.bad_contact, second.bad_contact) == ("ask", "tell")
        assert Message.objects.filter(task__group=second.task_group).exists()
        assert faults_of(page) == []
        scan(".STOP")
        wait_until(lambda: Run.objects.get(pk=second.pk).state == State.KILLED, 60, "killed")


def test_odd_lines_of_a_program_break_no_page() -> None:
    text = "\n".join(
        [
            "12:00 @contact 2 swapped 3,4 cables A and B",
            "12:00 @contact 99999999 dead",
            "12:00 @contact 1 broken",
            "12:00 @contact",
            "12:00 @spectrum a 1e9999 1 1,2,3",
            "12:00 @spectrum b 0 0 1,2",
            "12:00 @spectrum c 0 0.5 0,0,0",
            "12:00 @spectrum c 0 . 1,2",
            "12:00 @spectrum d 0 1 " + ",".join(["1"] * 300),
            "12:00 @spectrum <script> -1 0.5 1,5,2",
        ]
    )
    found = _contacts(text)
    assert {slot: (one.state, one.channels, one.text) for slot, one in found.items()} == {
        2: ("swapped", "3,4", "cables A and B")
    }
    assert [(one.name, one.counts) for one in _spectra(text)] == [("c", 0), ("<script>", 8)]
