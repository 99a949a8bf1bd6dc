"""Looks after one test program of a station, in a process of its own that outlives the agent.

Started beforehand, as ``python -m mppcqa.station.runner``, so that nothing has to be loaded once
there is work: it reads the folder of an attempt from its input, and ends if there comes none.
Killed outright, it takes its program along (the supervisor sees to that), and the attempt is lost.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mppcqa.disk import measure_file
from mppcqa.queue import offspring, supervisor
from mppcqa.queue.output import Odd, Progress, parse
from mppcqa.queue.program_user import (
    FOLDER_SETTING,
    SETTING,
    Place,
    ProgramUser,
    ProgramUserFault,
    program_user,
    told_left,
)
from mppcqa.queue.untrusted import redact, redact_command
from mppcqa.station.spool import RUN_FILE, Kept, read_json

MAKE_SAFE_S = 60.0
LOOK_EVERY_S = 0.1
BAR_EVERY_S = 0.2
LAST_WORDS = 5
MAX_MESSAGES = 200
HANDED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
FAILED, KILLED, SUCCEEDED, TIMED_OUT, LOST = "failed", "killed", "succeeded", "timed_out", "lost"


class Runner:
    """One attempt from its order to its end."""

    def __init__(self, folder: Path) -> None:
        name = folder.name.split("-")
        self.kept = Kept(folder, int(name[0]), int(name[1]))
        self.folder = folder
        self.order = self.kept.order
        self.started = time.monotonic()
        self.stop: tuple[str, str] | None = None
        self.messages = 0
        self.lost_lines = 0
        self._bar_at = 0.0
        self._bar: Progress | None = None
        self._rest = b""

    def line(self, text: str) -> None:
        """A line of ours in the log, at the server's time."""
        now = time.time() - float(self.order.get("clock_ahead_s", 0.0))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        head = f"{stamp}.{int(now % 1 * 1000):03d}Z "
        data = "".join(f"{head}{part}\n" for part in redact(text).splitlines() or [""])
        try:
            with (self.folder / "log").open("ab", buffering=0) as file:
                file.write(data.encode("utf-8", "replace"))
        except OSError:
            self.lost_lines += 1

    def run(self) -> None:
        """Run the program and write how it ended."""
        with (self.folder / "held").open("ab") as held:
            if not _lock(held.fileno()):
                return  # another runner has it
            if self.kept.is_begun or self.kept.end is not None:
                return
            with (self.folder / "begun").open("wb") as begun:
                os.fsync(begun.fileno())
            place, status, fault = None, 0, ""
            try:
                place = Place(self.folder, own_user())
                status = self._program(place, held.fileno())
            except (OSError, ProgramUserFault) as error:
                fault = f"the program can't be run: {error}"
            # Before what it wrote is brought, which may take minutes.
            if self.stop is not None and self.order["make_safe"]:
                self._make_safe()
            if place is not None:
                self._bring(place)
            self._write_end({"state": FAILED, "error": fault} if fault else self._end(status))

    def _bring(self, place: Place) -> None:
        """The run file, of a program that died too; nothing is said of what else lies there."""
        if left := place.bring(RUN_FILE):
            self.message("warning", told_left(left, place.folder))

    def _program(self, place: Place, held: int) -> int:
        order, user = self.order, place.user
        if user is not None:
            place.put("run.json", (self.folder / "run.json").read_text())
        argv = [*order["command"], "--config", str(place.folder / "run.json")]
        argv += ["--output", str(place.folder / RUN_FILE)]
        self.line(f"attempt {self.kept.attempt} of task {self.kept.task} on {order['host']}")
        self.line("$ " + redact_command(argv) + (f"  (as {user.name})" if user else ""))
        cwd = Path(order["folder"] or place.folder)
        if user is not None:
            argv, cwd = user.command(cwd, argv), Path("/")
        arguments = [str(os.getpid()), str(order["grace_s"]), str(self.folder / "log"), *argv]
        process = Supervisor(arguments, cwd, program_environment(order), held)
        try:
            self._follow(process)
        finally:
            process.terminate()
            status = process.wait()
        if self.stop is None and status < 0:
            # The supervisor's own end: of a program that was killed it says 128 and more.
            name = signal.Signals(-status).name
            self.stop = (LOST, f"the program's supervisor was killed ({name}), its program with it")
        self._show_bar(last=True)
        return status

    def _follow(self, process: Supervisor) -> None:
        source = process.output
        asked = False
        while True:
            ready, _, _ = select.select([source], [], [], LOOK_EVERY_S)
            if ready:
                data = os.read(source, 65536)
                if not data:
                    return
                self._take(data)
            self._show_bar()
            if not asked and self._shall_stop():
                process.terminate()
                asked = True

    def _shall_stop(self) -> bool:
        if self.stop is None:
            ran_s, limit_s = time.monotonic() - self.started, float(self.order["limit_s"])
            wanted = read_json(self.folder / "stop.json")
            if wanted is not None:
                self.stop = (wanted["state"], wanted["reason"])
            elif ran_s > limit_s:
                text = f"ran longer than its limit of {limit_s:.0f} s and was stopped"
                self.stop = (TIMED_OUT, text)
        return self.stop is not None

    def _take(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for raw in lines:
            if raw.startswith(b"@lost "):
                self.lost_lines += int(raw.split()[1])
                continue
            try:
                asked = parse(raw)
            except Odd as error:
                self.line(f"the program said something odd: {error}")
                continue
            if isinstance(asked, Progress):
                self._bar = asked
            elif asked is not None:
                self.message(asked.level, asked.text)

    def message(self, level: str, text: str) -> None:
        """Something that asks for attention."""
        self.messages += 1
        if self.messages > MAX_MESSAGES:
            return
        try:
            with (self.folder / "said.jsonl").open("ab", buffering=0) as file:
                file.write(json.dumps({"level": level[:20], "text": text[:4000]}).encode() + b"\n")
        except OSError:
            self.lost_lines += 1

    def _show_bar(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if self._bar is None or (not last and now - self._bar_at < BAR_EVERY_S):
            return
        bar, self._bar, self._bar_at = self._bar, None, now
        said = {"done": bar.done, "total": bar.total, "text": bar.text[:200]}
        part = self.folder / ".bar.json"
        with suppress(OSError):
            part.write_text(json.dumps(said))
            part.replace(self.folder / "bar.json")

    def _end(self, status: int) -> dict[str, Any]:
        if self.stop is not None:
            return {"state": self.stop[0], "error": self.stop[1], "exit_status": None}
        self.line(f"program ended with exit status {status}")
        end: dict[str, Any] = {"state": SUCCEEDED, "error": "", "exit_status": status}
        if status != 0:
            end["state"] = FAILED
            end["error"] = f"The test program ended with exit status {status}."
        elif not self._wrote():
            end["state"] = FAILED
            end["error"] = "The test program said that it was done, but it wrote no run file."
        if end["state"] == FAILED:
            end["error"] += f"{self._room()} Its last words:\n{self._last_words()}"
        return end

    def _wrote(self) -> bool:
        """Whether there is something to bring; of a full disk an empty file is left."""
        path = self.folder / RUN_FILE
        return path.is_file() and path.stat().st_size > 0

    def _room(self) -> str:
        with suppress(OSError):
            free = os.statvfs(self.folder)
            if free.f_bavail * free.f_frsize < 1 << 20:
                return f" The disk of the station's computer is full ({self.folder})."
        return ""

    def _last_words(self) -> str:
        with suppress(OSError), (self.folder / "log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4000))
            lines = file.read().decode("utf-8", "replace").splitlines()
            said = [line.partition(" ")[2] for line in lines]
            said = [one for one in said if one and not one.startswith(("@", "$", "program ended"))]
            return "\n".join(said[-LAST_WORDS:]) or "(nothing)"
        return "(nothing)"

    def _make_safe(self) -> None:
        problem = make_safe(self.order["make_safe"], program_environment(self.order), self.line)
        if problem:
            self.message(
                "error",
                f"The station was not made safe: {problem}. Check it by hand before the next run.",
            )

    def _write_end(self, end: dict[str, Any]) -> None:
        end["run_s"] = round(time.monotonic() - self.started, 3)
        if self._wrote():
            measured = measure_file(self.folder / RUN_FILE)
            end |= {"size": measured.size, "sha256": measured.sha256}
        self.line(f"ended: {end['state']}")
        if self.lost_lines:
            text = f"{self.lost_lines} lines of the log could not be written; is the disk full?"
            (self.folder / "reserve").unlink(missing_ok=True)
            self.message("warning", text)
        self.kept.write_end(end)


class Supervisor:
    """The program's supervisor: a fork of this process, which has no thread and loaded all of it.

    Of what is open here it has `held` alone.
    """

    def __init__(
        self, arguments: list[str], cwd: Path, environment: dict[str, str], held: int
    ) -> None:
        self.status: int | None = None
        """As `Popen.returncode`: below 0 the signal that ended it."""
        if not (cwd.is_dir() and os.access(cwd, os.X_OK)):
            raise OSError(f"{cwd} is no folder that a program may work in")
        self.output, sink = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                _become_supervisor(sink, held)
                os.environ.clear()
                os.environ.update(environment)
                os.chdir(cwd)
                status = supervisor.main(arguments)
            except OSError as error:
                os.write(2, f"the program can't be run: {error}\n".encode())
            finally:
                os._exit(status)
        os.close(sink)

    def terminate(self) -> None:
        """Ask it to end its program, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def poll(self) -> int | None:
        """How it ended, or None."""
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        """How it ended, once it has."""
        status = self._look(0)
        assert status is not None  # noqa: S101
        return status

    def _look(self, options: int) -> int | None:
        if self.status is None:
            ended, status = os.waitpid(self.pid, options)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status


def _become_supervisor(output: int, held: int) -> None:
    """Nothing of the runner's but `held`, and no input; what it says goes to `output`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.set_inheritable(held, True)
    os.closerange(3, held)
    os.closerange(held + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    offspring.call_myself("supervisor")


def _lock(file: int) -> bool:
    """Whether nobody else has it; who only looks holds it for a moment."""
    for _ in range(20):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def program_environment(order: dict[str, Any]) -> dict[str, str]:
    """What a program gets of this process's environment: no token and no setting of ours."""
    names = (*HANDED, *order["passed"])
    found = {name: os.environ[name] for name in names if name in os.environ}
    ahead = order.get("clock_ahead_s", 0.0)
    own = {"PYTHONUNBUFFERED": "1", "MPPCQA_CLOCK_AHEAD_S": str(ahead)}
    with suppress(ProgramUserFault):  # told where the program is started
        user = own_user()
        own |= {} if user is None else user.environment()
    return {**found, **own, **order["environment"]}


def own_user() -> ProgramUser | None:
    """Who runs test programs here, where another than the station's user is named."""
    return program_user(os.environ.get(SETTING, ""), os.environ.get(FOLDER_SETTING, ""))


def make_safe(argv: Sequence[str], environment: dict[str, str], log: Any) -> str:
    """Run what leaves the hardware safe; what went wrong, or an empty text."""
    log("make safe: " + redact_command(argv))
    try:
        user = own_user()
        done = subprocess.run(  # noqa: S603
            user.command(Path("/"), argv) if user else list(argv),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=MAKE_SAFE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, ProgramUserFault) as error:
        return str(error)
    if output := (done.stdout + done.stderr).strip():
        log(output[-65536:])
    return f"its program ended with exit status {done.returncode}" if done.returncode else ""


def main() -> None:
    """Wait for the folder of an attempt, then run it."""
    folder = sys.stdin.readline().strip()
    if folder:
        # A terminal's Ctrl-C is for the agent; TERM ends the program as the station's end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        runner = Runner(Path(folder))

        def end(*_: object) -> None:
            runner.kept.ask_to_stop(KILLED, "the station's computer ends this")

        signal.signal(signal.SIGTERM, end)
        runner.run()


if __name__ == "__main__":
    main()
