"""Routines that the tests of the queue run in real workers."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from mppcqa.queue import Context, TaskError, routine


@routine("test.add", title="Add")
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


@routine("test.odd_result", title="Odd result")
def odd_result(context: Context, *, kind: str) -> dict[str, object]:
    return {"it": float("nan") if kind == "nan" else object()}
