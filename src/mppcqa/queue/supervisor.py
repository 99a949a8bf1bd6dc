"""Runs one program in a process group of its own and leaves nothing of it behind.

Started as a script with ``python -S -E supervisor.py PARENT GRACE_S LOG PROGRAM [ARGUMENT …]``.
It asks the kernel for TERM when its parent dies, puts the program into a new session, and passes
TERM on to the whole group; what still runs after the grace gets KILL. It writes the program's
output to the log itself, so that the log is complete even when the worker was killed, and passes
on lines that begin with ``@``. Its exit status is the program's, or 128 plus the number of the
signal that ended it; 127 if the program can't be started.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
MAX_LINE = 16 * 1024
_stopping = False


def _die_with_parent(signum: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)


def _on_term(*_: object) -> None:
    global _stopping
    _stopping = True


def _kill_group(group: int, signum: int) -> bool:
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _run(program: list[str], output: int) -> int:
    """In the child: become the program."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Should this supervisor be killed outright, at least the program itself goes with it.
    _die_with_parent(signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        os.write(2, f"can't start {program[0]}: {error.strerror}\n".encode())
    return 127


class Output:
    """The program's output on its way into the log."""

    def __init__(self, source: int, log: str) -> None:
        os.set_blocking(source, False)
        self.source = source
        self.rest = b""
        self.open = True
        self.lost = 0
        try:
            self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError:
            self.log = -1

    def take(self, seconds: float) -> bool:
        """Wait for output at most so long and log it; False if there was none."""
        if not self.open:
            time.sleep(seconds)
            return False
        if not select.select([self.source], [], [], seconds)[0]:
            return False
        data = os.read(self.source, 65536)
        if not data:
            self.open = False
            self.close()
            return False
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) > MAX_LINE:
            lines.append(self.rest)
            self.rest = b""
        self.write(lines)
        return True

    def write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        head = f"{stamp}.{int(now % 1 * 1000):03d}Z ".encode()
        data = b"".join(head + line.rstrip(b"\r") + b"\n" for line in lines)
        try:
            while data:
                data = data[os.write(self.log, data) :]
        except OSError:
            self.lost += data.count(b"\n")
        told = b"".join(line + b"\n" for line in lines if line.startswith(b"@"))
        self.tell(told)

    def tell(self, data: bytes) -> None:
        """Pass lines on to the worker, which may be gone."""
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError:
            return

    def close(self) -> None:
        """Log a last line that has no end."""
        if self.rest:
            self.write([self.rest])
            self.rest = b""
        if self.lost:
            self.tell(b"@lost %d\n" % self.lost)
            self.lost = 0


def main(arguments: list[str]) -> int:
    """Supervise until the program and everything it started is gone."""
    parent, grace_s, log = int(arguments[0]), float(arguments[1]), arguments[2]
    program = arguments[3:]
    _die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _on_term)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        return 143  # the parent died before we could ask: nothing is begun for nobody
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(_run(program, sink))
    os.close(sink)
    output = Output(source, log)
    status = None
    deadline = None
    killed = False
    while status is None:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
            break
        if _stopping and deadline is None:
            deadline = time.monotonic() + grace_s
            _kill_group(child, signal.SIGTERM)
        if deadline is not None and not killed and time.monotonic() > deadline:
            killed = _kill_group(child, signal.SIGKILL)
        output.take(0.02)
    # Grandchildren that stayed behind: the grace is for them as well if we were asked to stop.
    while _stopping and deadline is not None and time.monotonic() < deadline:
        if not _kill_group(child, 0):
            break
        output.take(0.02)
    _kill_group(child, signal.SIGKILL)
    while output.take(0):
        pass
    output.close()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
