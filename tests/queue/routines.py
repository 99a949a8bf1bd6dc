"""Routines that the tests of the queue run in real workers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.families import give_up_right_to_kill, start_family

from mppcqa.queue import Context, TaskError, kill, routine
from mppcqa.queue.registry import Parameter


@routine("test.add", title="Add", parameters=(Parameter("a", "First"), Parameter("b", "Second")))
def add(context: Context, *, a: int, b: int) -> dict[str, int]:
    context.log(f"{a} + {b}")
    context.progress(1, 1, "added")
    return {"sum": a + b}


@routine("test.fail", title="Fail")
def fail(context: Context) -> None:
    raise TaskError("the box is open: close it and start again")


@routine("test.bug", title="Bug")
def bug(context: Context) -> None:
    raise ZeroDivisionError("a bug")


@routine("test.flaky", title="Flaky", retry_on=(ConnectionError,), max_attempts=3)
def flaky(context: Context, *, marker: str) -> dict[str, int]:
    path = Path(marker)
    tries = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(tries))
    if tries < 2:
        raise ConnectionError("no answer yet")
    return {"tries": tries}


@routine("test.compute", title="Compute", repeatable=True)
def compute(context: Context, *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@routine("test.until", title="Until a file is there")
def until(context: Context, *, path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.05)


@routine("test.trace", title="Leave a trace", repeatable=True)
def trace(context: Context, *, path: str) -> None:
    with Path(path).open("a") as file:
        file.write("began\n")


@routine("test.killed_and_failing", title="Stopped as it fails", retry_on=(ConnectionError,))
def killed_and_failing(context: Context, *, path: str) -> None:
    trace(context, path=path)
    kill(context.task, reason="enough")
    raise ConnectionError("no answer yet")


@routine("test.short_limit", title="Limited", hard_limit_s=0.5)
def short_limit(context: Context) -> None:
    time.sleep(60)


@routine("test.soft_limit", title="Slow", soft_limit_s=0.3, hard_limit_s=30)
def soft_limit(context: Context) -> str:
    time.sleep(1.2)
    return "done"


@routine("test.program", title="Program")
def program(context: Context, *, code: str) -> dict[str, int]:
    return {"status": context.run_program([sys.executable, "-c", code])}


@routine("test.family", title="Family", hard_limit_s=3000)
def family(context: Context, *, kind: str, folder: str, seconds: float) -> None:
    start_family(context, kind, folder, seconds)


@routine("test.not_ours", title="Another user's process")
def not_ours(context: Context) -> None:
    """A child that this process may not signal, as one that `sudo` started."""
    child = subprocess.Popen(["sleep", "600"], user=65534)
    context.log(f"child {child.pid}")
    give_up_right_to_kill()


@routine("test.odd_result", title="Odd result")
def odd_result(context: Context, *, kind: str) -> dict[str, object]:
    return {"it": float("nan") if kind == "nan" else object()}


@routine("test.say", title="Say")
def say(context: Context, *, path: str) -> dict[str, int]:
    """A program whose output is the bytes of a file."""
    return {"status": context.run_program(["cat", path])}


@routine("test.environment", title="Environment")
def environment(context: Context, *, argv: list[str]) -> dict[str, int]:
    return {"status": context.run_program(argv)}


@routine("test.odd_end", title="Odd end")
def odd_end(context: Context, *, kind: str) -> object:
    deep: list[object] = []
    for _ in range(40):
        deep = [deep]
    if kind == "deep result":
        return {"deep": deep}
    if kind == "surrogate result":
        return {"name": "run-\udcff.root"}
    if kind == "huge result":
        return {"text": "x" * (20 << 20)}
    if kind == "surrogate error":
        raise ValueError("no file run-\udcff.root\x00")
    if kind == "huge error":
        raise ValueError("x" * (20 << 20) + " the supply tripped")
    if kind == "huge told error":
        raise TaskError("y" * (20 << 20) + " the supply tripped")
    raise type("E" * 300, (ValueError,), {})("a class of its own")


@routine("test.load_local", title="Load a file")
def load_local(context: Context, *, table: str, path: str) -> dict[str, int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table}")
        return {"rows": cursor.rowcount}


@routine("test.once_mended", title="Once mended")
def once_mended(context: Context, *, marker: str) -> dict[str, str]:
    """Fails until its marker is there."""
    if not Path(marker).exists():
        raise TaskError("the lamp is off")
    return {"marker": marker}


@routine("test.sturdy_program", title="A program that may be run again", repeatable=True)
def sturdy_program(context: Context, *, effect: str, seconds: float) -> None:
    """It leaves a line at its end."""
    code = f"import time; time.sleep({seconds}); open({effect!r}, 'a').write('once\\n')"
    context.run_program([sys.executable, "-c", code])
