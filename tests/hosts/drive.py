"""The part of the three hosts' test that runs on the first host, where the database is.

It writes a word on its output when a cable is to be pulled or put back, and waits for an answer.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402

import tests.queue.routines  # noqa: E402, F401
from mppcqa.queue import Call, kill, submit, submit_chain  # noqa: E402
from mppcqa.queue.logs import read_tail  # noqa: E402
from mppcqa.queue.models import State, Task, Worker  # noqa: E402
from mppcqa.queue.reaper import reap  # noqa: E402
from mppcqa.queue.shipping import fetch  # noqa: E402


def until(what: str, condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            states = list(Task.objects.values_list("pk", "name", "state", "host", "attempt"))
            raise SystemExit(f"did not happen: {what}; {states}")
        reap()
        time.sleep(0.2)


def ask(word: str) -> None:
    print(word, flush=True)
    sys.stdin.readline()


def state(task: Task) -> str:
    task.refresh_from_db()
    return task.state


def main(far: str) -> None:
    call_command("migrate", verbosity=0, interactive=False)
    ask("start workers")
    until("two hosts work", lambda: Worker.objects.values("host").distinct().count() == 2)
    code = "import time; print('begun', flush=True); time.sleep(300)"
    fragile = submit("test.program", {"code": code}, lane="far")
    until("the program runs far away", lambda: state(fragile) == State.RUNNING)
    # Ends while its host is cut off, with something that is to follow.
    sign = Path(os.environ["MPPCQA_HOME"]) / "end"
    code = f"import os, time\nwhile not os.path.exists({str(sign)!r}): time.sleep(0.1)"
    chain = submit_chain(
        [Call("test.program", {"code": code}, "far"), Call("test.add", {"a": 1, "b": 1})]
    )
    measured, following = chain.tasks.order_by("id")
    until("the measurement runs far away", lambda: state(measured) == State.RUNNING)
    sturdy = [submit("test.compute", {"seconds": 3}) for _ in range(6)]
    until(
        "both hosts compute",
        lambda: (
            Task.objects.filter(state=State.RUNNING).values("host").distinct().count() == 2
            and Task.objects.filter(state=State.RUNNING, host=far, name="test.compute").exists()
        ),
    )
    ask("cut off")
    until("what was far is lost", lambda: state(fragile) == State.LOST)
    until("what may be repeated was", lambda: {state(one) for one in sturdy} == {State.SUCCEEDED})
    assert max(one.attempt for one in sturdy) == 2
    until("the measurement is lost", lambda: state(measured) == State.LOST)
    assert state(following) == State.KILLED
    sign.touch()
    time.sleep(3)
    ask("connect")
    added = submit("test.add", {"a": 2, "b": 3}, lane="far")
    until("the host works again", lambda: state(added) == State.SUCCEEDED)
    assert added.host == far
    # Written on the far host, read here.
    assert "2 + 3" in read_tail(fetch(added.pk, added.attempt)).text
    assert {state(one) for one in sturdy} == {State.SUCCEEDED}
    # What ended in the meantime was kept there; what still ran goes on.
    until("the late end is taken", lambda: state(measured) == State.SUCCEEDED)
    until("what follows runs", lambda: state(following) == State.SUCCEEDED)
    assert (measured.attempt, measured.result) == (1, {"status": 0})
    assert [one.state for one in measured.attempts.all()] == [State.SUCCEEDED]
    until("the program goes on", lambda: state(fragile) == State.RUNNING)
    assert fragile.host == far
    kill(fragile)
    until("it is stopped there", lambda: state(fragile) == State.KILLED)
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
