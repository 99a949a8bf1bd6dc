"""Forged messages: whoever reaches the broker wakes workers, and does nothing else.

The tests run on the file system and again on RabbitMQ, so both transports are tried.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.dispatch import CELERY_NAME
from mppcqa.queue.models import State, Task, queue_name
from tests.workers import running_worker, wait_until

HERE = queue_name("work")
PICKLE = b"cposix\nsystem\n(S'touch /tmp/mppcqa-pickled'\ntR."
BODIES: tuple[tuple[Any, dict[str, Any]], ...] = (
    ("{", {"content_type": "application/json", "content_encoding": "utf-8"}),
    ("", {"content_type": "application/json", "content_encoding": "utf-8"}),
    (PICKLE, {"content_type": "application/x-python-serialize", "content_encoding": "binary"}),
    ("!!python/object/apply:os.system [id]", {"content_type": "application/x-yaml"}),
    ("[" * 20_000, {"content_type": "application/json", "content_encoding": "utf-8"}),
    ("x" * 1_000_000, {"content_type": "text/plain", "content_encoding": "utf-8"}),
    ("\udcff".encode(errors="surrogateescape"), {"content_type": "a/b"}),
)
# What Celery itself asks of a message that it knows.
HEADERS: tuple[dict[str, Any], ...] = (
    {"task": ["x"]},
    {"task": {"x": 1}},
    {"task": None},
    {"task": 7},
    {"task": CELERY_NAME},
    {"task": CELERY_NAME, "id": ["x"]},
    {"task": CELERY_NAME, "id": "x", "eta": []},
    {"task": CELERY_NAME, "id": "x", "eta": "9999-12-31T23:59:59"},
    {"task": CELERY_NAME, "id": "x", "expires": {}},
    {"task": CELERY_NAME, "id": "x", "expires": "then"},
    {"task": CELERY_NAME, "id": "x", "timelimit": "soon"},
    {"task": CELERY_NAME, "id": "x", "timelimit": [[], {}]},
    {"task": CELERY_NAME, "id": "x", "timelimit": [0.001, 0.001]},
    {"task": CELERY_NAME, "id": "x", "shadow": {}, "argsrepr": 7, "ignore_result": "no"},
    {"task": CELERY_NAME, "id": "x", "stamped_headers": 7, "stamps": [], "group": {}},
    {"task": CELERY_NAME, "id": "x", "retries": "often", "origin": [1]},
    {"task": CELERY_NAME, "id": "x", "compression": "bogus"},
    {"task": CELERY_NAME, "id": "x", "compression": "application/x-gzip"},
    {"task": CELERY_NAME, "id": "x", "headers": [], "chain": 7, "callbacks": "x"},
    {"task": "celery.backend_cleanup", "id": "x"},
)
FURTHER = {"task": "os.system", "args": ["id"], "kwargs": {}, "options": {}}
PAYLOADS: tuple[str | bytes, ...] = (
    '[[], {"task": 7}, {}]',
    "{}",
    b"\xff\x00",
    json.dumps([[], {}, {"callbacks": [FURTHER], "errbacks": 7, "chain": [FURTHER]}]),
    json.dumps([[], {}, {"chord": FURTHER}]),
    json.dumps([7, "x", None]),
)


def waiting() -> int:
    """Messages that no worker has taken yet."""
    with current_app.connection_for_read() as connection:
        channel = connection.channel()
        return int(channel.queue_declare(HERE, passive=True).message_count)


@pytest.mark.django_db(transaction=True)
def test_a_message_of_anybody_starts_nothing_that_nobody_asked_for(
    tried: list[int], transactional_db: None
) -> None:
    ana = User.objects.create_user("ana")
    done = submit("test.add", {"a": 1, "b": 2}, by=ana)
    late = submit("test.add", {"a": 5, "b": 5}, by=ana)
    Task.objects.filter(pk=late.pk).update(state=State.KILLED)
    sent = 0
    # One pool process: most messages wait for it, and Celery reads them again once it is free.
    with running_worker("--concurrency", "1", routines="tests.queue.routines") as worker:
        wait_until(lambda: Task.objects.get(pk=done.pk).state == State.SUCCEEDED, what="it works")
        before = list(Task.objects.order_by("pk").values_list("pk", "state", "attempt"))
        for name, arguments in (
            *(("os.system", ["id"]), ("celery.backend_cleanup", []), ("test.add", [1, 2])),
            *((CELERY_NAME, ["x"]), ("mppcqa.queue.reap", [1]), ("", [])),
        ):
            current_app.send_task(name, arguments, {"task": done.pk}, queue=HERE, retry=False)
            sent += 1
        for named in (
            {"task_id": str(done.pk)},
            {"task": late.pk, "force": True},
            {"x": "y" * 9999},
        ):
            current_app.send_task(CELERY_NAME, [], named, queue=HERE, retry=False)
            sent += 1
        with current_app.producer_pool.acquire(block=True) as producer:
            for body, said in BODIES:
                for headers in (
                    {},
                    {"task": CELERY_NAME, "id": "x"},
                    {"task": "os.system", "id": 7},
                ):
                    producer.publish(body, routing_key=HERE, exchange="", headers=headers, **said)
                    sent += 1
            for body in PAYLOADS:
                for headers in HEADERS:
                    producer.publish(
                        body,
                        routing_key=HERE,
                        exchange="",
                        headers=headers,
                        content_type="application/json",
                        content_encoding="binary" if isinstance(body, bytes) else "utf-8",
                    )
                    sent += 1
        # A forged one may wake the worker for the task that follows, so each is waited for.
        wait_until(lambda: worker.poll() is not None or waiting() == 0, what="each is taken")
        assert worker.poll() is None, "a message ended the worker"
        last = submit("test.add", {"a": 20, "b": 22}, by=ana)
        wait_until(
            lambda: Task.objects.get(pk=last.pk).state == State.SUCCEEDED, what="it still works"
        )
        assert Task.objects.get(pk=last.pk).result == {"sum": 42}
        after = Task.objects.exclude(pk=last.pk).order_by("pk")
        assert list(after.values_list("pk", "state", "attempt")) == before
        assert worker.poll() is None
    tried.append(sent)
