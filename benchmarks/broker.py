"""A RabbitMQ node of our own: own name, ports and data, so that no shared broker is disturbed."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# Debian's command on the PATH changes to another user; these run as whoever calls them.
PROGRAMS = Path("/usr/lib/rabbitmq/bin")
START_S = 180.0
CONTROL_S = 240.0
"""On a computer that has much else to do the program alone takes long to come up."""


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class OwnRabbit:
    """Started when entered, with all it left removed from the process table when left.

    `folder` takes its data, cookie and log. `prefix` stands before each command, for a node in a
    network namespace. With the name of a `node` that runs already, `control` speaks to that one.
    """

    def __init__(
        self,
        folder: Path,
        address: str = "127.0.0.1",
        port: int | None = None,
        prefix: tuple[str, ...] = (),
        node: str = "",
    ) -> None:
        self.folder = folder
        self.address = address
        self.port = port or free_port(address)
        self.prefix = list(prefix)
        self.node = node or f"mppcqa{secrets.token_hex(4)}@localhost"
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address for ``MPPCQA_BROKER``."""
        return f"amqp://guest:guest@{self.address}:{self.port}//"

    def _environment(self) -> dict[str, str]:
        here = self.folder
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("RABBITMQ_")},
            "HOME": str(here),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": self.address,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(here / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "no-such-file"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
        }

    def __enter__(self) -> Self:
        if not (PROGRAMS / "rabbitmq-server").exists():
            raise FileNotFoundError(f"RabbitMQ is not installed: no {PROGRAMS / 'rabbitmq-server'}")
        self.folder.mkdir(parents=True, exist_ok=True)
        # A guest may log in from another host of the test, not from loopback alone.
        (self.folder / "rabbitmq.conf").write_text("loopback_users = none\n")
        self._spawn()
        assert self._server is not None
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "rabbitmq.log").read_text(errors="replace")[-2000:]
                self.__exit__(None, None, None)
                raise RuntimeError(f"RabbitMQ did not start:\n{text}")
            time.sleep(0.2)
        return self

    def _spawn(self) -> None:
        with (self.folder / "rabbitmq.log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self.prefix, str(PROGRAMS / "rabbitmq-server")],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        assert self._server is not None
        subprocess.run(["pkill", "-KILL", "-f", self.node], check=False)
        with suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def start_again(self) -> None:
        """Start what was killed, and wait until it takes connections."""
        self._spawn()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError):
                socket.create_connection((self.address, self.port), 1).close()
                return
            time.sleep(0.2)
        raise RuntimeError("RabbitMQ did not start again")

    def _answers(self) -> bool:
        log = self.folder / "rabbitmq.log"
        if "Server startup complete" not in log.read_text(errors="replace"):
            return False
        return self.control("await_startup", "--timeout", "2") == 0

    def control(self, *command: str) -> int:
        """Run ``rabbitmqctl``; its exit status."""
        program = str(PROGRAMS / "rabbitmqctl")
        return subprocess.run(
            [*self.prefix, program, "-q", "-n", self.node, *command],
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=CONTROL_S,
        ).returncode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is None:
            return
        for number, patience_s in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            try:
                os.killpg(self._server.pid, number)
                self._server.wait(patience_s)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        # The Erlang machine leaves the shell that started it.
        subprocess.run(["pkill", "-KILL", "-f", self.node], check=False)
        self._server = None
