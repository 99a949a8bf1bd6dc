"""What stations with an address and a token cost, and how quickly they answer; a part of `queue`.

The web server is that of ``mppcqa run``, with its bell; the first station is a real one, with its
agent and its runner. The hundred that wait are threads of one process which say what an agent says.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import psutil

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from tests.station.bench import Bench, Web, bell  # noqa: E402

from mppcqa.queue.actions import kill  # noqa: E402
from mppcqa.queue.logs import log_path  # noqa: E402
from mppcqa.queue.models import FINAL_STATES, Task  # noqa: E402
from mppcqa.runs.models import Station, StationContact  # noqa: E402
from mppcqa.runs.station_tokens import make_token  # noqa: E402
from mppcqa.station.link import Away, Link, Refused  # noqa: E402
from mppcqa.station.listen import Listener  # noqa: E402

STARTS = 12
IDLE, IDLE_S = 100, 30.0
LINES = 40
STARTED = """#!/bin/sh
date +%s.%N >> "$(dirname "$0")/started"
echo file > "$4"
"""
TALKS = f"""#!/bin/sh
for n in $(seq {LINES}); do echo "@progress $n/{LINES} at"; date "+at %s.%N"; sleep 0.2; done
sleep 600
"""


def until(condition: Any, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"did not happen: {what}")
        time.sleep(0.005)


def script(bench: Bench, text: str) -> None:
    path = bench.folder / "program.sh"
    path.write_text(text)
    path.chmod(0o700)
    bench.list_programs([str(path)])


def starts(bench: Bench) -> dict[str, float]:
    """From the commit of a run to its program's first line [ms]."""
    took = []
    started = bench.folder / "started"
    for _ in range(STARTS):
        took.append(1000 * _start(bench, started))
        time.sleep(0.3)
    return {"station_latency_ms": statistics.median(took), "station_latency_ms_high": max(took)}


def _start(bench: Bench, started: Path) -> float:
    started.unlink(missing_ok=True)
    _run, task = bench.run()
    asked = time.time()
    until(lambda: started.exists() and started.read_text().endswith("\n"), "it starts")
    took_s = float(started.read_text()) - asked
    until(lambda: _state(task) in FINAL_STATES, "it ends")
    return took_s


def _state(task: Task) -> str:
    return str(Task.objects.values_list("state", flat=True).get(pk=task.pk))


def behind(bench: Bench) -> dict[str, float]:
    """How far the log and the bar on the server are behind the program, at worst [s]."""
    _run, task = bench.run()
    path = log_path(task.pk, 1)
    until(path.exists, "the log begins")
    seen, late, bar_late, barred = 0, [], [], 0
    while seen < LINES:
        lines = [
            line for line in path.read_text().splitlines() if " at " in line and "@" not in line
        ]
        now = time.time()
        late += [now - float(line.split()[-1]) for line in lines[seen:]]
        done = Task.objects.values_list("progress_done", flat=True).get(pk=task.pk)
        if done > barred and len(lines) >= done:
            bar_late.append(now - float(lines[done - 1].split()[-1]))
            barred = done
        seen = len(lines)
        time.sleep(0.02)
    asked = time.time()
    kill(task)
    until(lambda: _state(task) in FINAL_STATES, "it is killed")
    return {
        "station_log_behind_s": max(late),
        "station_bar_behind_s": max(bar_late, default=0.0),
        "station_kill_s": time.time() - asked,
    }


class Waiting(threading.Thread):
    """A station that waits: it listens, and asks as often as an agent that hears the bell."""

    def __init__(self, server: str, token: Path, name: str) -> None:
        super().__init__(daemon=True)
        self.link = Link(server, token, f"idle-{name}")
        self.wake = threading.Event()
        self.hears = False

    def run(self) -> None:
        listener = Listener(self.wake)
        welcome = self._say("hello", programs=[])
        listener.listen_to(welcome["bell"])
        while True:
            self._say("next", holding=[])
            self.wake.wait(welcome["bell_poll_s" if listener.hears else "poll_s"])
            self.wake.clear()
            self.hears = listener.hears

    def _say(self, path: str, **more: Any) -> dict[str, Any]:
        while True:
            try:
                return self.link.post(path, **more)
            except (Away, Refused):
                time.sleep(1.0)


def idle(server: str, folder: Path, processes: list[int]) -> dict[str, float]:
    """Share of a core that the web server and its bell take for stations that wait."""
    waiting = []
    for number in range(IDLE):
        station = Station.objects.create(name=f"idle-{number}", stage="darkbox", remote=True)
        token = folder / f"token-{number}"
        token.write_text(make_token(station, 1)[1])
        waiting.append(Waiting(server, token, f"{number:06d}"))
        waiting[-1].start()
    until(lambda: StationContact.objects.filter(agent__startswith="idle").count() == IDLE, "all")
    until(lambda: all(one.hears for one in waiting), "all hear the bell", 120)
    time.sleep(5)
    before, at = _used(processes), time.monotonic()
    time.sleep(IDLE_S)
    share = (_used(processes) - before) / (time.monotonic() - at)
    return {"idle_stations": IDLE, "idle_stations_core_percent": 100 * share}


def _used(processes: list[int]) -> float:
    total = 0.0
    for number in processes:
        one = psutil.Process(number)
        for each in (one, *one.children(recursive=True)):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    home = Path(settings.MPPCQA_HOME)
    with ExitStack() as stack:
        web = Web()
        web.start()
        stack.callback(web.stop)
        bell_id = stack.enter_context(bell())
        web.wait()
        server = f"http://127.0.0.1:{web.port}"
        bench = Bench(home / "bench", server)
        script(bench, STARTED)
        bench.start()
        stack.callback(bench.stop)
        until(StationContact.objects.exists, "it says hello")
        time.sleep(2)
        found = starts(bench)
        script(bench, TALKS)
        time.sleep(1)
        found |= behind(bench)
        bench.stop()
        assert web.process is not None
        found |= idle(server, home, [web.process.pid, bell_id])
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
