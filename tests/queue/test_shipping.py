"""Logs of other computers: who sees how a task ended finds its log, whole."""

from __future__ import annotations

from typing import Any

import pytest

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.logs import log_path, read_tail
from mppcqa.queue.models import State, Task, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.shipping import fetch
from mppcqa.queue.transitions import task_ended

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_log_is_whole_elsewhere_once_the_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPPCQA_SHIP_LOGS", "1")
    seen: dict[int, str] = {}

    def read_elsewhere(task: Task, **_: Any) -> None:
        path = log_path(task.pk, task.attempt)
        away = path.rename(path.with_suffix(".here"))
        seen[task.pk] = read_tail(fetch(task.pk, task.attempt)).text
        away.replace(path)

    task_ended.connect(read_elsewhere)
    try:
        task = submit("test.add", {"a": 2, "b": 3})
        work("test:1", [queue_name("work")], lambda: False)
    finally:
        task_ended.disconnect(read_elsewhere)
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED
    assert "2 + 3" in seen[task.pk]
    assert "ended: succeeded" in seen[task.pk]
