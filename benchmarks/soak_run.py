"""What `soak` does on its servers: starts all, lets people work, breaks things, and judges."""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, close_old_connections  # noqa: E402
from tests.station.bench import Bench, free_port  # noqa: E402
from tests.station.proxy import Proxy  # noqa: E402

from benchmarks.broker import OwnRabbit  # noqa: E402
from benchmarks.mariadb import OwnMariaDB  # noqa: E402
from benchmarks.soak_people import Asked, Person, Told  # noqa: E402
from benchmarks.soak_times import ENOUGH, GRACE_S, Strike, judge_times  # noqa: E402
from mppcqa.cli.run import web_server  # noqa: E402
from mppcqa.inventory.actions import register_devices  # noqa: E402
from mppcqa.inventory.models import Comment, Device, DeviceType  # noqa: E402
from mppcqa.people.actions import invite  # noqa: E402
from mppcqa.people.person_tokens import make_token  # noqa: E402
from mppcqa.people.roles import ROLES  # noqa: E402
from mppcqa.queue.models import OPEN_STATES, Task  # noqa: E402
from mppcqa.runs.models import Run  # noqa: E402

KINDS = ("database", "broker", "web", "worker", "scheduler", "link")
WINDOW_S = 5.0
"""Between what comes back, is left in peace for `GRACE_S`, and the next strike, at least."""
PATIENT_S = 40.0
"""So long the next strike waits for requests enough to judge the one before."""
CLOCK_CODE = """
import os, time
from django.utils import timezone
import datetime
ahead, real, now = float(os.environ["SOAK_AHEAD_S"]), time.time, timezone.now
time.time = lambda: real() + ahead
timezone.now = lambda: now() + datetime.timedelta(seconds=ahead)
"""
"""A process whose clock is wrong, as after a reboot without network."""
END_S = 600.0
"""For what is open when everything is whole again."""


class Soak:
    """The servers, the services, the stations, the people, and the hand that breaks things."""

    def __init__(
        self, home: Path, folder: Path, mariadb: OwnMariaDB, rabbit: OwnRabbit,
        options: argparse.Namespace,
    ) -> None:  # fmt: skip
        self.home, self.folder, self.mariadb, self.rabbit = home, folder, mariadb, rabbit
        self.options, self.random = options, random.Random(options.seed)  # noqa: S311
        self.port = free_port()
        self.services: dict[str, subprocess.Popen[bytes]] = {}
        self.ahead: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.told = Told()
        self.did: Counter[str] = Counter()
        self.away: list[Strike] = []
        self.faults: list[str] = []

    # What there is.

    def run(self) -> dict[str, Any]:
        call_command("migrate", verbosity=0, interactive=False)
        with ExitStack() as stack:
            stack.callback(self.stop)
            for name in ("web", "bell", "worker", "worker 2", "scheduler"):
                self.start(name)
            self.wait_for_web()
            self.cables = [
                stack.enter_context(Proxy(("127.0.0.1", self.port)))
                for _n in range(self.options.stations)
            ]
            self.benches = [self.bench(n, stack) for n in range(self.options.stations)]
            people = self.people()
            for one in people:
                one.start()
            self.drive()
            for one in people:
                one.over.set()
            for one in people:
                one.join(90)
            self.end()
        self.judge()
        return self.report()

    def command(self, name: str) -> list[str]:
        if name == "web":
            return web_server("127.0.0.1", self.port)
        word, more = name.split()[0], []
        if word == "worker":
            more = ["--concurrency", "2"]
        if word == "bell":
            more = ["--port", "0"]
        cli = ["-m", "mppcqa.cli"]
        if name in self.ahead:
            cli = ["-c", f"{CLOCK_CODE}\nfrom mppcqa.cli import main; main()"]
        return [sys.executable, *cli, word, *more]

    def start(self, name: str) -> None:
        with (self.home / "logs" / f"{name}.log").open("ab") as log:
            self.services[name] = subprocess.Popen(
                self.command(name),
                env={**os.environ, "SOAK_AHEAD_S": str(self.ahead[name])},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        process = self.services[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def look_after(self) -> None:
        """As systemd: what ended is started again."""
        for name, process in list(self.services.items()):
            if process.poll() is not None:
                self.did[f"{name} started again"] += 1
                self.start(name)

    def web_answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def wait_for_web(self) -> None:
        deadline = time.monotonic() + 180
        while not self.web_answers():
            if time.monotonic() > deadline:
                raise RuntimeError("the web server does not come up")
            self.look_after()
            time.sleep(0.1)

    def bench(self, number: int, stack: ExitStack) -> Bench:
        server = f"http://127.0.0.1:{self.cables[number].port}"
        made = Bench(self.folder / f"bench-{number}", server, name=f"soak-{number}")
        made.start()
        stack.callback(made.stop)
        return made

    def people(self) -> list[Person]:
        kind = DeviceType.objects.earliest("pk").name
        serials = [f"SOAK-{n}" for n in range(20)]
        register_devices([{"serial": one, "device_type": kind} for one in serials])
        found = []
        for number in range(self.options.people):
            user = invite(f"person-{number}", ROLES["manager"], by=None)
            _row, token = make_token(user, 1, writes=True, by=None)
            address = f"http://127.0.0.1:{self.port}"
            stations = [bench.name for bench in self.benches]
            seed = self.options.seed * 1000 + number
            found.append(
                Person(address, session_of(user), token, serials, stations, kind, seed,
                       self.options.people, self.asked, self.told)
            )  # fmt: skip
        return found

    # What breaks.

    def drive(self) -> None:
        """All strikes, in a seeded order, evenly over the time; longer where windows need it."""
        each = self.options.each
        plan = [*KINDS * each, *["clock"] * each, "disk"]
        self.random.shuffle(plan)
        self.began = began = time.monotonic()
        self.load = [os.getloadavg()[0]]
        whole_s = 60 * self.options.minutes
        for number, what in enumerate(plan):
            # The first part is without any: what is usual is measured then.
            self.watch_until(began + whole_s * (number + 2) / (len(plan) + 3))
            self.leave_in_peace()
            start = time.monotonic()
            getattr(self, f"hit_{what}")()
            self.did[what] += 1
            self.away.append(Strike(what, start, time.monotonic()))
            print(f"{start - began:6.1f} s: {what}, {time.monotonic() - start:.1f} s", flush=True)
        self.watch_until(began + whole_s)
        self.leave_in_peace()
        self.ended = time.monotonic()
        self.load.append(os.getloadavg()[0])

    def leave_in_peace(self) -> None:
        """Until the strike before can be judged, or nobody answers often enough for that."""
        settled = (self.away[-1].until if self.away else self.began) + GRACE_S
        self.watch_until(settled + WINDOW_S)
        while time.monotonic() < settled + PATIENT_S:
            if sum(one.at > settled and one.status > 0 for one in list(self.asked)) >= ENOUGH:
                break
            self.watch_until(time.monotonic() + 0.5)

    def watch_until(self, moment: float) -> None:
        while time.monotonic() < moment:
            self.look_after()
            time.sleep(0.2)

    def hit_database(self) -> None:
        self.mariadb.kill()
        time.sleep(self.random.uniform(0.5, 2.0))
        self.mariadb.start()

    def hit_broker(self) -> None:
        self.rabbit.kill()
        time.sleep(self.random.uniform(0.5, 2.0))
        self.rabbit.start_again()

    def hit_web(self) -> None:
        self.kill("web")
        while self.web_answers():  # its children are gone a moment later
            time.sleep(0.05)
        self.start("web")
        self.wait_for_web()

    def hit_worker(self) -> None:
        self.kill(self.random.choice(["worker", "worker 2"]))
        self.look_after()

    def hit_scheduler(self) -> None:
        self.kill("scheduler")
        self.look_after()

    def hit_link(self) -> None:
        """Each station's, one after the other, so that each is cut as often as this is done."""
        for cable in self.cables:
            cable.cut()
        time.sleep(self.random.uniform(0.5, 2.0))
        for cable in self.cables:
            cable.restore()

    def hit_clock(self) -> None:
        """A worker's host comes back with a clock that is hours off, or right again."""
        name = self.random.choice(["worker", "worker 2", "scheduler"])
        if name in self.ahead:
            del self.ahead[name]
        else:
            self.ahead[name] = self.random.choice([-7200, 7200])
        self.kill(name)
        self.look_after()

    def hit_disk(self) -> None:
        filler = self.home / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        time.sleep(8)
        filler.unlink()

    def end(self) -> None:
        """All is whole; what is open comes to its end."""
        self.ahead.clear()
        for name in ("worker", "worker 2", "scheduler"):
            self.kill(name)
        deadline = time.monotonic() + END_S
        while time.monotonic() < deadline:
            self.look_after()
            close_old_connections()
            with suppress(DatabaseError):
                if not Task.objects.filter(state__in=OPEN_STATES).exists():
                    break
            time.sleep(0.5)
        left = Counter(Task.objects.filter(state__in=OPEN_STATES).values_list("name", "state"))
        self.faults += [f"{n} of {name} are {state}" for (name, state), n in left.items()]

    def stop(self) -> None:
        for process in self.services.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for name, process in self.services.items():
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                self.faults.append(f"{name} did not stop on TERM in 60 s")
                self.kill(name)

    # What is to be said of it.

    def judge(self) -> None:
        for command in (["audit", "seal"], ["audit", "verify"], ["fsck"], ["summaries", "check"]):
            done = subprocess.run(
                [sys.executable, "-m", "mppcqa.cli", *command],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                said = (done.stdout + done.stderr)[-600:]
                self.faults.append(f"{' '.join(command)}: {said}")
        self.judge_writes()
        self.judge_answers()
        self.times = judge_times(self.asked, self.away, self.began + GRACE_S, self.ended)
        each = self.options.each
        self.faults += self.times.faults({**dict.fromkeys([*KINDS, "clock"], each), "disk": 1})

    def judge_writes(self) -> None:
        there: set[Any] = set(Comment.objects.values_list("text", flat=True))
        self.faults += [f"comment lost: {one}" for one in self.told.comments if one not in there]
        there = set(Device.objects.values_list("serial", flat=True))
        self.faults += [f"device lost: {one}" for one in self.told.serials if one not in there]
        there = set(Run.objects.values_list("pk", flat=True))
        self.faults += [f"run lost: {one}" for one in self.told.runs if one not in there]
        if not (self.told.comments and self.told.serials and self.told.runs):
            self.faults.append("nothing was written, so nothing is known of writes")

    def judge_answers(self) -> None:
        """Errors while the database was away alone; no answer while the web server was as well."""
        for one in self.asked:
            if 0 < one.status < 500:
                continue
            excuses = ("database",) if one.status else ("database", "web")
            if not any(
                strike.what in excuses
                and one.at < strike.until + GRACE_S
                and one.at + one.seconds > strike.since
                for strike in self.away
            ):
                near = [
                    strike.what
                    for strike in self.away
                    if strike.since - 1 < one.at < strike.until + 15
                ]
                self.faults.append(f"{one.what}: {one.status} {one.said[:120]!r} ({near})")

    def report(self) -> dict[str, Any]:
        states = Counter(Task.objects.values_list("state", flat=True))
        return {
            "requests": len(self.asked),
            "answers": dict(Counter(str(one.status) for one in self.asked)),
            "told": {name: len(values) for name, values in vars(self.told).items()},
            "tasks": dict(states),
            "did": dict(self.did),
            "took_s": round(self.ended - self.began),
            # What others do on this computer as well: times are judged against the first windows.
            "load": [round(one, 1) for one in self.load],
            "p95": self.times.report(),
            "faults": self.faults[:40],
            "faults_in_all": len(self.faults),
        }


def session_of(user: User) -> str:
    """The cookie of a person who logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "mppcqa.web.accounts.backend.Backend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
