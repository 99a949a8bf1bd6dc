"""The fault test's promise about stations: whatever is cut or killed, a run counts once.

Runs are measured on a station that has an address and a token, while a seeded script cuts its cable
(also in the middle of a file), kills its agent, stops the broker, and kills and starts the web
server again. Then
every run must have been measured once, by one attempt, and its file must be the one that was
written, whole. A runner is not killed here: with it goes its program, and that attempt is lost.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from tests.station.bench import Bench, Web, bell  # noqa: E402
from tests.station.proxy import Proxy  # noqa: E402

from benchmarks.broker import OwnRabbit  # noqa: E402
from mppcqa.queue.models import FINAL_STATES, State, Task  # noqa: E402
from mppcqa.runs.models import Run  # noqa: E402

PROGRAM = """
data = os.urandom(SIZE)
with (here / "sums").open("a") as file:
    import hashlib
    file.write(f"{config['run']} {hashlib.sha256(data).hexdigest()}\\n")
for n in range(10):
    print(f"@progress {n}/10 step"); print("@message info step", n); time.sleep(0.05)
output.write_bytes(data)
sys.exit()
"""
SIZE = 3 << 20
RUN_LIMIT_S = 180.0


class Fate:
    """What happens next, and how often each did."""

    def __init__(
        self, seed: int, bench: Bench, web: Web, cable: Proxy, rabbit: OwnRabbit | None
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.bench, self.web, self.cable = bench, web, cable
        self.rabbit = rabbit
        self.done = {"cuts": 0, "cuts_in_a_file": 0, "agents_killed": 0, "servers_killed": 0}
        self.done |= {"broker_stopped": 0} if rabbit else {}
        self.until = 0.0

    def strike(self) -> None:
        """Something, or nothing for a while."""
        if time.monotonic() < self.until:
            return
        self.until = time.monotonic() + self.random.uniform(0.2, 0.8)
        if not self.cable.whole:
            self.cable.restore()
            return
        might = ["cut", "file", "agent", "server", "nothing", "nothing"]
        what = self.random.choice([*might, *(["broker"] if self.rabbit else [])])
        if what == "cut":
            self.cable.cut()
            self.done["cuts"] += 1
        elif what == "file":
            self.cable.cut_after = self.random.randrange(1000, SIZE)
            self.done["cuts_in_a_file"] += 1
        elif what == "agent":
            self.bench.kill()
            self.bench.start()
            self.done["agents_killed"] += 1
        elif what == "server" and self.done["servers_killed"] < 3:
            assert self.web.process is not None
            self.web.stop()
            self.web.start()
            self.done["servers_killed"] += 1
            self.until += 3.0
        elif what == "broker" and self.done["broker_stopped"] < 2:
            assert self.rabbit is not None
            self.rabbit.control("stop_app")
            time.sleep(self.random.uniform(0.5, 2.0))
            self.rabbit.control("start_app")
            self.done["broker_stopped"] += 1


def measured(bench: Bench, fate: Fate) -> str:
    """One run under all this; what is wrong with it, or an empty text."""
    run, task = bench.run()
    deadline = time.monotonic() + RUN_LIMIT_S
    while (state := _state(task)) not in FINAL_STATES:
        if time.monotonic() > deadline:
            return f"run {run.pk} did not end: {state}"
        fate.strike()
        time.sleep(0.05)
    return _fault(bench, run, task)


def _state(task: Task) -> str:
    return str(Task.objects.values_list("state", flat=True).get(pk=task.pk))


def _fault(bench: Bench, run: Run, task: Task) -> str:
    task.refresh_from_db()
    if task.state != State.SUCCEEDED:
        return f"run {run.pk} is {task.state}: {task.error_text}"
    sums = [line.split() for line in (bench.folder / "sums").read_text().splitlines()]
    mine = [sha256 for number, sha256 in sums if number == str(run.pk)]
    folders = list(run.folders.all())
    if len(mine) != 1 or task.attempts.count() != 1 or len(folders) != 1:
        return f"run {run.pk}: begun {len(mine)} times, {task.attempts.count()} attempts"
    path = folders[0].path / "run.root"
    if hashlib.sha256(path.read_bytes()).hexdigest() != mine[0]:
        return f"run {run.pk}: its file is another"
    if task.messages.count() != 10:
        return f"run {run.pk}: {task.messages.count()} messages of 10"
    return ""


def main() -> int:
    seed, runs = int(sys.argv[1]), int(sys.argv[2])
    folder, node = sys.argv[3:5]
    rabbit = OwnRabbit(Path(folder), node=node) if node else None
    call_command("migrate", verbosity=0, interactive=False)
    with ExitStack() as stack:
        web = Web()
        web.start()
        stack.callback(web.stop)
        stack.enter_context(bell())
        web.wait()
        cable = stack.enter_context(Proxy(("127.0.0.1", web.port)))
        bench = Bench(Path(settings.MPPCQA_HOME) / "bench", f"http://127.0.0.1:{cable.port}")
        bench.program(PROGRAM, SIZE)
        bench.start()
        stack.callback(bench.stop)
        deadline = time.monotonic() + 60
        while not hasattr(bench.station, "contact") and time.monotonic() < deadline:
            bench.station.refresh_from_db()
            time.sleep(0.1)
        fate = Fate(seed, bench, web, cable, rabbit)
        faults = [fault for _ in range(runs) if (fault := measured(bench, fate))]
        lost = sum("is lost" in fault or "did not end" in fault for fault in faults)
        begun = bench.begun()
        doubled = len(begun) - len(set(begun))
        cable.restore()
        cable.cut_after = None
        report = {"runs": runs, "lost": lost, "doubled": doubled, **fate.done, "faults": faults}
        print(json.dumps(report), flush=True)
    return 1 if faults or lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
