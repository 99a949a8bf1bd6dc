"""A station with an address, a token and a list of programs measures as every other does."""

from __future__ import annotations

import json
import time

from mppcqa.queue.actions import kill
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State, Task
from mppcqa.results.models import Measurement
from mppcqa.runs.contact import is_reached
from mppcqa.runs.models import StationContact
from tests.station.bench import QUICK, Bench, at_work
from tests.workers import wait_until


def test_a_run_is_measured_brought_and_analysed(bench: Bench) -> None:
    with at_work(bench):
        wait_until(StationContact.objects.exists, what="it says hello")
        contact = StationContact.objects.get()
        assert is_reached(contact)
        assert [one["name"] for one in contact.programs] == ["dark"]
        assert "command" not in json.dumps(contact.programs)
        run, task = bench.run(**QUICK)
        bench.until(task, State.SUCCEEDED, State.FAILED)
        assert task.state == State.SUCCEEDED, task.error_text
        group = run.task_group
        assert group is not None
        judged = group.tasks.get(name="limits.judge")
        bench.until(judged, State.SUCCEEDED, State.FAILED, State.KILLED)
        assert judged.state == State.SUCCEEDED, [one.error_text for one in group.tasks.all()]
        assert run.files.count() == 1
        assert Measurement.objects.exists()
        log = log_path(task.pk, 1).read_text()
        assert "program ended with exit status 0" in log
        assert log.endswith("ended: succeeded\n")
        assert task.worker == "station dark-1"
        # Nothing of it is left there.
        wait_until(lambda: not list((bench.folder / "spool/attempts").iterdir()))


def test_log_bar_and_messages_show_while_it_runs(bench: Bench) -> None:
    bench.program(
        'print("@progress 3/12 cooling"); print("@message warning lid open");'
        ' print("visible"); time.sleep(600)'
    )
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        # Each comes by a request of its own, in any order.
        wait_until(lambda: task.messages.filter(text="lid open").count() == 1)
        shown = Task.objects.filter(pk=task.pk, state=State.RUNNING, progress_done=3)
        wait_until(shown.filter(progress_text="cooling").exists, what="the bar moves")
        log = log_path(task.pk, 1)
        wait_until(lambda: log.exists() and "visible" in log.read_text(), what="the log comes")
        kill(task, reason="wrong tray")
        bench.until(task, State.KILLED)
        assert task.error_text == "wrong tray"
    assert bench.begun() == [str(_run.pk)]


def test_a_stop_leaves_the_hardware_safe_by_the_stations_own_program(bench: Bench) -> None:
    mark = bench.folder / "safe"
    bench.program("time.sleep(600)", make_safe=["/usr/bin/touch", str(mark)])
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        wait_until(lambda: bool(bench.begun()), what="it runs")
        kill(task)
        bench.until(task, State.KILLED)
        assert mark.exists()


def test_what_a_program_does_wrong_is_said_as_everywhere(bench: Bench) -> None:
    bench.program('sys.exit("no light")')
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        bench.until(task, State.FAILED)
        assert "exit status 1" in task.error_text
        assert "no light" in task.error_text
        bench.program("time.sleep(600)", time_limit_s=1)
        time.sleep(0.01)
        _run, task = bench.run()
        bench.until(task, State.TIMED_OUT)
        assert "longer than its limit of 1 s" in task.error_text


def test_an_empty_file_is_no_run_file(bench: Bench) -> None:
    bench.program(size=0)
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        bench.until(task, State.FAILED)
    assert "wrote no run file" in task.error_text


def test_no_command_of_the_server_is_ever_run(bench: Bench) -> None:
    """What people type for a station is not looked at; a program that the list has not is none."""
    mark = bench.folder / "owned"
    bench.station.program = ["/usr/bin/touch", str(mark)]
    bench.station.make_safe = ["/usr/bin/touch", str(mark)]
    bench.station.save()
    bench.program("time.sleep(600)")
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        wait_until(lambda: bool(bench.begun()))
        kill(task)
        bench.until(task, State.KILLED)
        assert not mark.exists()
        StationContact.objects.update(programs=[{"name": "gone", "stages": []}])
        _run, task = bench.run()
        bench.until(task, State.FAILED)
        assert "no program 'gone'" in task.error_text
