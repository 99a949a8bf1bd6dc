"""A MariaDB server of our own: own data, socket and port, so that no shared one is disturbed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.broker import free_port

START_S = 120.0
PASSWORD = "only-for-tests"  # noqa: S105


class OwnMariaDB:
    """Started when entered; `kill` ends it as a power cut would, `start` brings it back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address for ``MPPCQA_DATABASE``."""
        return f"mysql://mppcqa:{PASSWORD}@127.0.0.1:{self.port}/mppcqa"

    def __enter__(self) -> Self:
        data = self.folder / "data"
        self.folder.mkdir(parents=True, exist_ok=True)
        install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*install, *self._as()], check=True, **quiet)  # type: ignore[call-overload]
        self.start()
        statements = (
            "CREATE DATABASE mppcqa CHARACTER SET utf8mb4;"
            f"CREATE USER mppcqa@'%' IDENTIFIED BY '{PASSWORD}';"
            "GRANT ALL ON mppcqa.* TO mppcqa@'%';"
        )
        ask = ["mariadb", "--no-defaults", f"--socket={self.folder / 'socket'}", "--user=root"]
        subprocess.run([*ask, "--execute", statements], check=True)
        return self

    def _as(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def start(self) -> None:
        """Start it, and wait until it takes connections; what was killed recovers first."""
        settings = [
            *("--no-defaults", f"--datadir={self.folder / 'data'}", f"--port={self.port}"),
            *(f"--socket={self.folder / 'socket'}", f"--pid-file={self.folder / 'pid'}"),
            *("--bind-address=127.0.0.1", "--innodb-buffer-pool-size=256M", "--skip-name-resolve"),
            *("--max-connections=400", "--max-allowed-packet=64M", "--local-infile=1"),
        ]
        with (self.folder / "mariadb.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["mariadbd", *settings, *self._as()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "mariadb.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"MariaDB did not start:\n{text}")
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether it greets who connects."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as link:
                link.settimeout(1)
                return len(link.recv(16)) > 0
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
