"""What a station's computer runs: it asks for work, starts it, and brings all that comes of it.

Everything that it must not forget stands in the spool before the next step begins, so it may be
killed at any time; the program goes on under its runner, and the next agent brings what there is.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import mppcqa
from mppcqa.queue.program_user import SETTING, bring_left
from mppcqa.station.bring import Bringing
from mppcqa.station.link import Away, BadToken, Link, Patience, Refused
from mppcqa.station.listen import Listener
from mppcqa.station.programs import ListFault, ProgramList, read_list
from mppcqa.station.runner import make_safe, own_user, program_environment
from mppcqa.station.spool import RUN_FILE, Kept, Spool

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 0.1
HELLO_EVERY_S = 600.0
LIST_EVERY_S = 1.0
"""The list of programs is looked at so often."""
BELL_ASKS_S = 3.0


class Agent:
    """Serves one station until it is told to end."""

    def __init__(self, link: Link, spool: Spool, list_path: Path) -> None:
        self.link, self.spool, self.list_path = link, spool, list_path
        self.wake = threading.Event()
        self.listener = Listener(self.wake)
        self.programs: ProgramList | None = None
        self.problem = ""
        self.list_problem = ""
        self.welcome: dict[str, Any] | None = None
        self.clock_ahead_s = 0.0
        self.hello_at = 0.0
        self.list_read: tuple[int, int] | None = None
        self.bringing: Bringing | None = None
        self.spare: subprocess.Popen[bytes] | None = None
        self.ending = False
        self.rang = False
        """Whether the bell rang since the server was asked."""
        self.patience = Patience(0.2, 5.0)
        self.refusals = Patience(1.0, 15.0)
        self.told = ""
        self.quiet_until = 0.0
        self.asked_at = float("-inf")

    def end(self) -> None:
        """Take nothing more; asked again, stop what runs. Called by a signal."""
        if self.ending:
            for kept in self.spool.kept():
                if kept.end is None:
                    kept.ask_to_stop("killed", "stopped at the station's computer")
        self.ending = True
        self.wake.set()

    def serve(self) -> None:
        """Until it is told to end and has brought what it has."""
        self._read_list()
        while not (self.ending and not self.spool.kept()):
            self.rang |= self._rest(self.step())
            self.wake.clear()
        if self.spare is not None and self.spare.stdin is not None:
            self.spare.stdin.close()
            self.spare.wait()

    def _rest(self, seconds: float) -> bool:
        """Whether the bell rang within that time, which ends also where the list has changed."""
        until = time.monotonic() + seconds
        while not (rang := self.wake.wait(min(seconds, LIST_EVERY_S))):
            seconds = until - time.monotonic()
            if seconds <= 0 or self._list_state() != self.list_read:
                break
        return rang

    def step(self) -> float:
        """Do what is next; how many seconds it may rest then."""
        kept = self.spool.kept()
        for one in kept:
            self._look_after(one)
        if time.monotonic() < self.quiet_until:
            return max(0.01, min(LOOK_EVERY_S, self.quiet_until - time.monotonic()))
        try:
            rest_s = self._talk(kept)
        except Away as error:
            self._trouble(f"{error}; tried again")
            return self._quiet(error.after_s or self.patience.pause())
        except BadToken as error:
            self._trouble(str(error))
            return self._quiet(self.refusals.pause())
        except Refused as error:
            self._trouble(str(error))
            self.welcome = None
            return self._quiet(self.refusals.pause())
        self.patience.over()
        self.refusals.over()
        self._trouble("")
        return rest_s

    def _quiet(self, seconds: float) -> float:
        self.quiet_until = time.monotonic() + seconds
        return min(seconds, LOOK_EVERY_S)

    def _trouble(self, text: str) -> None:
        """Say what is wrong once, and once that it is over."""
        if text != self.told:
            logger.warning("%s", text or "the server is reached again")
            self.told = text

    # What is done here, whether or not there is a server

    def _look_after(self, kept: Kept) -> None:
        """Begin what has not begun, and tell the loss of what was begun and has no runner."""
        if kept.end is not None or kept.is_held:
            return
        if not kept.is_begun:
            self._start(kept)
        elif (
            kept.end is None and not kept.is_held
        ):  # looked at in this order, so that none is missed
            self._tell_lost(kept)

    def _start(self, kept: Kept) -> None:
        runner = self._take_spare()
        assert runner.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):
            runner.stdin.write(f"{kept.folder}\n".encode())
            runner.stdin.close()
        deadline = time.monotonic() + 5.0
        while not (kept.is_begun or kept.end is not None) and time.monotonic() < deadline:
            if runner.poll() is not None:
                break
            time.sleep(0.002)
        threading.Thread(target=runner.wait, daemon=True).start()

    def _take_spare(self) -> subprocess.Popen[bytes]:
        """A runner that has loaded all it needs, and the next one for later."""
        runner, self.spare = self.spare, None
        if runner is None or runner.poll() is not None:
            runner = _new_runner()
        return runner

    def _tell_lost(self, kept: Kept) -> None:
        order = kept.order
        text = "the process that looked after the program was ended: killed, or the computer was "
        text += "restarted; how the program would have ended is not known"
        if order["make_safe"]:
            problem = make_safe(order["make_safe"], program_environment(order), logger.warning)
            text += f". The station was not made safe: {problem}" if problem else ""
        # Only now: it may take minutes.
        with suppress(ValueError, OSError):
            bring_left(kept.folder, own_user(), RUN_FILE)
        kept.write_end({"state": "lost", "error": text, "exit_status": None, "run_s": None})

    def _list_state(self) -> tuple[int, int]:
        """What changes with the list's file."""
        try:
            found = self.list_path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _read_list(self) -> None:
        """The list of programs, again when the file has changed; a bad one leaves the former."""
        read = self._list_state()
        if read == self.list_read:
            return
        self.list_read = read
        try:
            self.programs = read_list(self.list_path, other_user=bool(os.environ.get(SETTING)))
            self.list_problem = ""
        except ListFault as error:
            self.list_problem = str(error)
            logger.warning("%s", error)
        self.welcome = None

    # What is said to the server

    def _talk(self, kept: list[Kept]) -> float:
        self._read_list()
        if self.welcome is None or time.monotonic() - self.hello_at > HELLO_EVERY_S:
            self._hello()
        if self.listener.refused:
            self._hello()
        if kept:
            return self._bring(kept[0])
        self.bringing = None
        if self.ending:
            return LOOK_EVERY_S
        return self._ask()

    def _hello(self) -> None:
        programs = self.programs.programs.values() if self.programs else ()
        first = self.welcome is None
        before = time.time()
        self.welcome = self.link.post(
            "hello",
            version=mppcqa.__version__,
            python=platform.python_version(),
            host=socket.gethostname()[:200],
            platform=f"{platform.system()} {platform.release()}"[:100],
            problem=self.problem[:500],
            programs=[program.said() for program in programs],
        )
        served = dt.datetime.fromisoformat(self.welcome["now"]).timestamp()
        self.clock_ahead_s = (before + time.time()) / 2 - served
        self.hello_at = time.monotonic()
        self.listener.listen_to(self.welcome["bell"])
        if first:
            text = "this computer serves %s of %s, and waits for runs; Ctrl-C ends it"
            logger.info(text, self.welcome["station"], self.link.server)

    def _ask(self) -> float:
        """Ask for work, unless there is no room for it."""
        assert self.welcome is not None  # noqa: S101
        no_room = self._no_room()
        problem = self.list_problem or no_room
        if problem != self.problem:
            self.problem, self.welcome = problem, None
            return 0.0
        if self.spare is None or self.spare.poll() is not None:
            self.spare = _new_runner()
        if not no_room:
            order = self.link.post("next", holding=[])["order"]
            if order is not None:
                self._take(order)
                return 0.0
        else:
            self.link.post("next", holding=[[0, 0]])  # it is here, and takes nothing
        return float(self.welcome["bell_poll_s" if self.listener.hears else "poll_s"])

    def _no_room(self) -> str:
        if self.programs is None:
            return self.list_problem or "there is no list of programs"
        free = self.spool.free_bytes()
        if free < self.programs.least_free_mb * 1e6:
            return (
                f"the disk of {self.spool.folder} has {free / 1e6:.0f} MB left, less than "
                f"least_free_mb = {self.programs.least_free_mb:.0f} of the list: nothing is begun"
            )
        return ""

    def _take(self, order: dict[str, Any]) -> None:
        """Keep an order, then begin it. One that can't be kept is asked for again later."""
        assert self.programs is not None  # noqa: S101
        program = self.programs.programs.get(order["program"])
        limit_s = float(order["limit_s"])
        if program is not None and program.time_limit_s is not None:
            limit_s = min(limit_s, program.time_limit_s)
        document = {
            "config": order["config"],
            "limit_s": limit_s,
            "program": order["program"],
            "command": list(program.command) if program else [],
            "folder": program.folder if program else "",
            "environment": dict(program.environment) if program else {},
            "passed": list(program.passed) if program else [],
            "make_safe": list(self.programs.make_safe),
            "grace_s": self.programs.grace_s,
            "host": socket.gethostname(),
            "clock_ahead_s": self.clock_ahead_s,
        }
        try:
            kept = self.spool.add(order["task"], order["attempt"], document)
            if program is None:
                text = f"this computer's list has no program {order['program']!r} (any more)"
                kept.write_end({"state": "failed", "error": text, "run_s": 0.0})
        except OSError as error:
            self._trouble(f"the order can't be kept in {self.spool.folder}: {error}")
            self._quiet(5.0)
            return
        logger.info("%s: %s begins", _called(kept), order["program"])
        self._look_after(kept)

    def _bring(self, kept: Kept) -> float:
        """How an attempt goes, its file, its end."""
        if self.bringing is None or self.bringing.kept != kept:
            self.bringing = Bringing(kept, self.link)
        try:
            rang, self.rang = self.rang, False
            done = self.bringing.step(rang=rang, hears=self.listener.hears)
        except Refused as error:
            if error.status != 404:
                raise
            # The server knows nothing of it: restored to an earlier day, or given up there.
            self._trouble(f"{error} It is left in {self.spool.set_aside(kept)}")
            self.bringing = None
            return 0.0
        if not done:
            return self.bringing.rest_s
        if self.bringing.counted:
            state = (kept.end or {}).get("state", "")
            self.spool.remove(kept)
            logger.info("%s: %s, and brought", _called(kept), state)
        else:
            logger.warning("what came too late is left in %s", self.spool.set_aside(kept))
        self.bringing = None
        return 0.0


def _called(kept: Kept) -> str:
    return f"task {kept.task}, attempt {kept.attempt}"


def _new_runner() -> subprocess.Popen[bytes]:
    # A session of its own: whatever ends the agent does not end it.
    return subprocess.Popen(
        [sys.executable, "-m", "mppcqa.station.runner"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": _own_path()},
    )


def _own_path() -> str:
    """A runner finds this package where this process has found it."""
    own = str(Path(mppcqa.__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH", "")]))


def room_of(folder: Path) -> int:
    """Free bytes where a folder is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
