"""Cables, processes, disks, tokens and clocks that fail: nothing is lost, nothing is doubled."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
from pathlib import Path

import psutil
from django.conf import settings

from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State, Task
from mppcqa.runs.models import Run, StationContact
from mppcqa.runs.station_tokens import take_back
from tests.station.bench import Bench, Web, at_work
from tests.station.disks import small_disk
from tests.station.proxy import Proxy
from tests.workers import wait_until

WAITS = "while not (here / 'go').exists(): time.sleep(0.05)"
MB = 1 << 20


def spooled(bench: Bench) -> list[Path]:
    return list((bench.folder / "spool" / "attempts").glob("*-*"))


def has_ended(bench: Bench) -> bool:
    return any((folder / "end.json").exists() for folder in spooled(bench))


def brought(run: Run) -> str:
    """The sum of what the server has of a run, which was measured once."""
    folder = run.folders.get()
    return hashlib.sha256((folder.path / "run.root").read_bytes()).hexdigest()


def measured(bench: Bench) -> str:
    """The same of what lies in the spool."""
    return hashlib.sha256((spooled(bench)[0] / "run.root").read_bytes()).hexdigest()


def begun(bench: Bench) -> None:
    wait_until(lambda: bool(bench.begun()), what=f"the program begins\n{bench.said()}")


def once(bench: Bench, run: Run, task: Task) -> None:
    bench.until(task, State.SUCCEEDED, State.FAILED, State.LOST)
    assert task.state == State.SUCCEEDED, task.error_text
    assert task.attempt == 1
    assert task.attempts.count() == 1
    assert bench.begun().count(str(run.pk)) == 1
    log = log_path(task.pk, 1).read_text()
    assert log.count(f"begun {run.pk}") == 1
    assert log.count("ended: succeeded") == 1


def test_a_cable_cut_at_each_tenth_of_the_file_and_for_a_whole_run(
    bench: Bench, cable: Proxy
) -> None:
    bench.program(WAITS, size=10 * MB)
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        run, task = bench.run()
        begun(bench)
        cable.cut()  # in the middle of the program, until long after its end
        (bench.folder / "go").touch()
        wait_until(lambda: has_ended(bench), what="it goes on by itself")
        wanted = measured(bench)
        task.refresh_from_db()
        assert task.state == State.RUNNING
        for tenth in range(1, 10):
            cable.cut_after = MB
            cable.restore()
            wait_until(lambda: not cable.whole, what=f"the cable is cut at {tenth} tenths")
        cable.cut_after = None
        cable.restore()
        once(bench, run, task)
        assert brought(run) == wanted
        assert cable.cuts >= 10


def test_whatever_is_killed_or_started_again_it_counts_once(bench: Bench, web: Web) -> None:
    bench.program(WAITS, size=MB)
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        run, task = bench.run()
        begun(bench)
        bench.kill()
        web.stop()
        bench.start()
        (bench.folder / "go").touch()
        wait_until(lambda: has_ended(bench), what="the program outlives its agent")
        wanted = measured(bench)
        bench.kill()
        web.start()
        web.wait()
        bench.start()
        once(bench, run, task)
        assert brought(run) == wanted


def test_a_killed_runner_is_a_lost_attempt_and_the_hardware_is_left_safe(bench: Bench) -> None:
    mark = bench.folder / "safe"
    bench.program("time.sleep(600)", make_safe=["/usr/bin/touch", str(mark)])
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        _run, task = bench.run()
        begun(bench)
        program = bench.folder / "program.py"
        there = [one for one in psutil.process_iter(["cmdline"]) if _runs(one, str(program))]
        supervisor = there[0].parent()
        assert supervisor is not None
        assert supervisor.name() == "supervisor"
        there.append(supervisor)
        runner = supervisor.parent()
        assert runner is not None
        runner.kill()
        bench.until(task, State.LOST)
        assert mark.exists()
        assert "restarted" in task.error_text
        psutil.wait_procs(there, 60)
        assert not [one for one in there if one.is_running()]


def _runs(process: psutil.Process, what: str) -> bool:
    return what in (process.info["cmdline"] or [])


def test_a_token_taken_back_in_the_middle_of_a_run(bench: Bench) -> None:
    bench.program(WAITS)
    first = bench.new_token()
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        run, task = bench.run()
        begun(bench)
        take_back(first)
        (bench.folder / "go").touch()
        wait_until(lambda: has_ended(bench), what="it goes on without a token")
        wait_until(lambda: "taken back" in bench.said(), what="it says so")
        task.refresh_from_db()
        assert task.state == State.RUNNING
        bench.new_token()
        once(bench, run, task)


def test_two_computers_with_one_token(bench: Bench, tmp_path: Path) -> None:
    bench.program()
    with at_work(bench):
        wait_until(StationContact.objects.exists)
        agent = StationContact.objects.get().agent
        bench.options = ["--spool", str(tmp_path / "second")]
        first, bench.process = bench.process, None
        with at_work(bench):
            wait_until(lambda: "is in use by the computer" in bench.said(), what="it is refused")
            run, task = bench.run()
            once(bench, run, task)
            assert StationContact.objects.get().agent == agent
            assert not list((tmp_path / "second" / "attempts").iterdir())
        bench.process = first


def test_a_clock_off_by_a_day(bench: Bench) -> None:
    bench.program(WAITS)
    code = "import time; real = time.time; time.time = lambda: real() + 86400"
    with at_work(bench, code=code):
        wait_until(StationContact.objects.exists)
        assert 86_000 < StationContact.objects.get().clock_ahead_s < 87_000
        run, task = bench.run()
        begun(bench)
        (bench.folder / "go").touch()
        once(bench, run, task)
        assert task.messages.filter(text__contains="s off").count() == 1
        # Only the agent's clock is off here: the log is set right by what it said, and shows it.
        assert task.started_at is not None
        day = f"{task.started_at - dt.timedelta(days=1):%Y-%m-%d}"
        assert log_path(task.pk, 1).read_text().startswith(day)


def test_a_full_disk_at_the_station(bench: Bench) -> None:
    with small_disk(bench.folder / "spool", "3m"):
        bench.program(size=5 * MB)
        with at_work(bench):
            wait_until(StationContact.objects.exists)
            _run, task = bench.run()
            bench.until(task, State.FAILED)
            assert "disk of the station's computer is full" in task.error_text
            # Less room than the list wants: nothing is begun, and the page says why.
            bench.program(room=1000)
            wait_until(lambda: "MB left" in StationContact.objects.get().problem)
            run, task = bench.run()
            bench.program(size=1000)
            once(bench, run, task)


def test_a_full_disk_at_the_server(bench: Bench) -> None:
    bench.program(WAITS, size=5 * MB)
    with small_disk(Path(settings.MPPCQA_HOME) / "runs", "2m"), at_work(bench):
        wait_until(StationContact.objects.exists)
        run, task = bench.run()
        begun(bench)
        (bench.folder / "go").touch()
        wait_until(lambda: "server's disk is full" in bench.said(), what="it is told")
        wanted = measured(bench)
        again = ["mount", "-o", "remount,size=50m", str(Path(settings.MPPCQA_HOME) / "runs")]
        subprocess.run(again, check=True)
        once(bench, run, task)
        assert brought(run) == wanted
