"""Runs one program in a session of its own and leaves nothing of it behind.

Started as a script with ``python -S -E supervisor.py PARENT GRACE_S LOG PROGRAM [ARGUMENT …]``,
or as a fork of a process that has loaded it (a station's runner), which begins 20 ms sooner.
It asks the kernel for TERM when its parent dies, and for whatever loses its parent below it (see
`offspring`). It puts the program into a new session, and passes TERM on to all that the program
started, in that session or not; what still runs after the grace gets KILL. It writes the program's
output to the log itself, so that the log is complete even when the worker was killed, and passes
on lines that ask for something (``@progress``, ``@message``). What looks like a secret is hidden
in the log. Its exit status is the program's, or 128 plus the number of the
signal that ended it; 127 if the program can't be started.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections import deque

TYPE_CHECKING = False  # `typing` takes longer to load than all else
if TYPE_CHECKING:
    from collections.abc import Callable

    from mppcqa.queue import offspring
elif not __package__:
    import offspring  # beside this script; it sees no package
else:
    from mppcqa.queue import offspring

MAX_LINE = 16 * 1024
MAX_LOG = 256 << 20
"""Bytes of output after which only lines for the queue and the last ones are kept."""
LAST_LINES = 200
ASKING = (b"@progress", b"@message")
_stopping = False


def _on_term(*_: object) -> None:
    global _stopping
    _stopping = True


def _run(program: list[str], output: int) -> int:
    """In the child: become the program."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Should this supervisor be killed outright, at least the program itself goes with it.
    offspring.die_with_parent(signal.SIGKILL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        os.write(2, f"can't start {program[0]}: {error.strerror}\n".encode())
    return 127


def _hider() -> Callable[[bytes], bytes]:
    """What hides secrets; loaded once the program runs, which need not wait for it."""
    if TYPE_CHECKING or __package__:
        from mppcqa.queue.untrusted import redact_bytes
    else:
        from untrusted import redact_bytes
    return redact_bytes


class Output:
    """The program's output on its way into the log."""

    def __init__(self, source: int, log: str) -> None:
        os.set_blocking(source, False)
        self.source = source
        self.hide = _hider()
        self.rest = b""
        self.open = True
        self.inside = False
        """Whether what comes next goes on with a line whose beginning was logged already."""
        # How far this computer's clock is ahead of the one that the log goes by.
        self.ahead_s = float(os.environ.get("MPPCQA_CLOCK_AHEAD_S", "0"))
        self.size = 0
        self.lost = 0
        self.left_out = 0
        self.last: deque[bytes] = deque(maxlen=LAST_LINES)
        try:
            self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
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
        cut = len(self.rest) > MAX_LINE
        if cut:
            # Between two words where there are any: a password cut in two is not recognised.
            end = self.rest.rfind(b" ", MAX_LINE // 2) + 1 or len(self.rest)
            lines.append(self.rest[:end])
            self.rest = self.rest[end:]
        self.write(lines)
        self.inside = cut or (self.inside and not lines)
        return True

    def write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        now = time.time() - self.ahead_s
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
        head = f"{stamp}.{int(now % 1 * 1000):03d}Z ".encode()
        self.keep([head + self.hide(line.rstrip(b"\r")) + b"\n" for line in lines])
        # What only goes on with a line that was cut asks for nothing.
        begun = lines[1:] if self.inside else lines
        self.tell(b"".join(line + b"\n" for line in begun if line.startswith(ASKING)))

    def keep(self, lines: list[bytes]) -> None:
        """Into the log; of far too much the last lines, which say how it ended."""
        if self.size > MAX_LOG:
            self.left_out += len(lines)
            self.last.extend(line[:MAX_LINE] for line in lines[-LAST_LINES:])
            return
        data = b"".join(lines)
        self.size += len(data)
        try:
            while data:
                data = data[os.write(self.log, data) :]
        except OSError:
            self.lost += data.count(b"\n")

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
        if self.last:
            out = self.left_out - len(self.last)
            self.size = 0
            self.keep([b"(of a log over %d bytes, %d lines are left out)\n" % (MAX_LOG, out)])
            self.keep(list(self.last))
            self.last.clear()
        if self.lost:
            self.tell(b"@lost %d\n" % self.lost)
            self.lost = 0


def main(arguments: list[str]) -> int:
    """Supervise until the program and everything it started is gone."""
    parent, grace_s, log = int(arguments[0]), float(arguments[1]), arguments[2]
    program = arguments[3:]
    offspring.die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _on_term)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent:
        return 143  # the parent died before we could ask: nothing is begun for nobody
    offspring.adopt()
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(_run(program, sink))
    os.close(sink)
    output = Output(source, log)
    status = None
    while status is None and not _stopping:
        status = offspring.reap().get(child)
        if status is None:
            output.take(0.02)
    # What stayed behind a program that has ended gets no grace.
    there, left = offspring.end(os.getpid(), grace_s if _stopping else 0.0, output.take)
    while not left and output.take(0):
        pass
    output.close()
    if there and not _stopping:
        output.write([b"left running by the program, ended: " + offspring.names(there).encode()])
    if left:
        output.write([b"could not be ended: " + offspring.names(left).encode()])
    if status is None:
        status = offspring.reap().get(child, -signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
