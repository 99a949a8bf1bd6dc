"""A server and a station's computer, each of real processes, for tests and the fault test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from mppcqa.cli.run import web_server
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.queue.models import Task
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Run, Station
from mppcqa.runs.station_tokens import make_token
from tests.workers import SOURCE, child_environment, wait_until

QUICK = {"events": 400, "bias_v": [71.0, 71.6, 72.2]}
PROGRAM = """
import json, os, pathlib, sys, time
config = json.loads(pathlib.Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
here = pathlib.Path(__file__).parent
with (here / "begun").open("a") as file:
    file.write(f"{config['run']}\\n")
print("begun", config["run"])
BODY
output.write_bytes(os.urandom(SIZE))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Web:
    """The web server of ``mppcqa run`` on the test's database."""

    def __init__(self, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> None:
        self.host, self.port, self.prefix = host, free_port(), prefix
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (Path(settings.MPPCQA_HOME) / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, *web_server(self.host, self.port)],
                env=child_environment(MPPCQA_HOSTS=self.host),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        def answers() -> bool:
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except OSError:
                return False
            return True

        if not self.prefix:
            wait_until(answers, what="the web server answers")

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)


@contextmanager
def bell() -> Iterator[int]:
    """The process that wakes stations, and its number."""
    command = [sys.executable, "-m", "mppcqa.cli", "bell", "--port", "0"]
    with (Path(settings.MPPCQA_HOME) / "bell.log").open("ab") as log:
        process = subprocess.Popen(command, env=child_environment(), stdout=log, stderr=log)
    try:
        port = Path(settings.MPPCQA_HOME) / "bell-port"
        wait_until(port.exists, what="the bell listens")
        yield process.pid
    finally:
        stop(process)


class Bench:
    """A station's computer: a folder with a token, a list of programs and a spool."""

    def __init__(self, folder: Path, server: str, name: str = "dark-1", devices: int = 1) -> None:
        self.folder, self.server, self.name = folder, server, name
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.options: list[str] = []
        kind, _made = DeviceType.objects.get_or_create(
            name="S12045(X)", defaults={"nominal_breakdown_v": 70.0}
        )
        serials = [f"{name}-{n}" for n in range(1, devices + 1)]
        register_devices([{"serial": one, "device_type": kind.name} for one in serials])
        self.station = Station.objects.create(
            name=name, stage="darkbox", slots=max(2, devices), remote=True
        )
        load_station(self.station, dict(enumerate(serials, 1)))
        self.new_token()
        self.simulated()

    def new_token(self) -> Any:
        row, token = make_token(self.station, 10)
        self.token_file = self.folder / "token"
        self.token_file.write_text(token)
        self.token_file.chmod(0o600)
        return row

    def list_programs(self, command: list[str], **more: Any) -> None:
        lines = ["[station]", "run_as_root = true", f"least_free_mb = {more.pop('room', 1)}"]
        if safe := more.pop("make_safe", None):
            lines.append(f"make_safe = {json.dumps(safe)}")
        lines += ["[programs.dark]", f"command = {json.dumps(command)}", 'stages = ["darkbox"]']
        lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
        path = self.folder / "programs.toml"
        path.write_text("\n".join(lines))
        path.chmod(0o600)

    def simulated(self) -> None:
        self.list_programs(["{python}", "-m", "mppcqa.stages.darkbox.program"])

    def program(self, body: str = "", size: int = 1000, **more: Any) -> None:
        """A program of a test: what it does, and how much it writes."""
        path = self.folder / "program.py"
        path.write_text(PROGRAM.replace("BODY", body).replace("SIZE", str(size)))
        path.chmod(0o600)
        self.list_programs(["{python}", str(path)], **more)

    def begun(self) -> list[str]:
        """The runs whose program was begun, as often as it was."""
        path = self.folder / "begun"
        return path.read_text().split() if path.exists() else []

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "mppcqa.cli", "station", "--server", self.server),
            *("--token", str(self.token_file), *self.options),
        ]

    def start(self, prefix: tuple[str, ...] = (), code: str = "", package: Path = SOURCE) -> None:
        """Start the agent of `package`; `code` runs before it in its process."""
        command = self.command()
        if code:
            code += "; from mppcqa.cli import main; main()"
            command = [sys.executable, "-c", code, *command[3:]]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(package),
        }
        if cache := os.environ.get("NUMBA_CACHE_DIR"):
            environment["NUMBA_CACHE_DIR"] = cache
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *command],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Killed outright."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)
                stop(self.process)

    def said(self) -> str:
        path = self.folder / "agent.log"
        return path.read_text() if path.exists() else ""

    def run(self, **parameters: Any) -> tuple[Run, Task]:
        """Ask for a run; it, and its measurement."""
        run = start_run(self.station, parameters=parameters or QUICK)
        assert run.task_group is not None
        return run, run.task_group.tasks.order_by("id")[0]

    def until(self, task: Task, *states: str) -> None:
        def there() -> bool:
            task.refresh_from_db()
            return task.state in states

        try:
            wait_until(there, 240, what=f"{task} is {states}")
        except AssertionError as error:
            there_are = Task.objects.values_list("pk", "name", "state", "error_text")
            state = f"{task.state} {task.error_text} {list(there_are)}"
            raise AssertionError(f"{error}\n{state}\n{self.said()[-3000:]}") from None


@contextmanager
def at_work(bench: Bench, **more: Any) -> Iterator[Bench]:
    """The agent runs within the block."""
    bench.start(**more)
    try:
        yield bench
    finally:
        bench.stop()
