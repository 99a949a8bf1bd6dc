"""The broker that is a folder: whoever looks at any moment sees whole messages or none."""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.transport import filesystem

from mppcqa.queue.folder import use_for_filesystem
from tests.waiting import PATIENCE_S

MESSAGES = 150


def connect(folder: Path) -> Connection:
    use_for_filesystem()
    # One of another folder in this process has the same queues' bindings, which would not be made.
    filesystem.Transport.global_state.clear()
    places = {"data_folder_in": str(folder), "data_folder_out": str(folder)}
    options = {**places, "control_folder": str(folder / "control"), "polling_interval": 0.01}
    return Connection("filesystem://localhost", transport_options=options)


def _send(folder: Path, first: int) -> None:
    with connect(folder) as connection, connection.SimpleQueue("q") as queue:
        for number in range(first, first + MESSAGES):
            queue.put({"number": number, "text": "x" * 3000})
    os._exit(0)


def test_readers_beside_writers_get_every_message_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    senders = [context.Process(target=_send, args=(tmp_path, k * MESSAGES)) for k in range(2)]
    for sender in senders:
        sender.start()
    got: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    with connect(tmp_path) as connection, connection.SimpleQueue("q") as queue:
        while len(got) < 2 * MESSAGES and time.monotonic() < deadline:
            try:
                message = queue.get(timeout=1)
            except Empty:
                continue
            got.append(message.payload["number"])
            message.ack()
    for sender in senders:
        sender.join()
    assert sorted(got) == list(range(2 * MESSAGES))


def test_a_file_that_is_no_message_is_set_aside_and_the_next_one_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "00000000000000000000_half.aside.msg").write_bytes(b"")
    with (
        caplog.at_level(logging.ERROR),
        connect(tmp_path) as connection,
        connection.SimpleQueue("aside") as queue,
    ):
        queue.put({"number": 1})
        assert queue.get(timeout=PATIENCE_S).payload == {"number": 1}
    assert "00000000000000000000_half.aside.msg" in caplog.text
    assert (tmp_path / "00000000000000000000_half.aside.msg.unreadable").exists()


def _bind(folder: Path, name: str, done: Any) -> None:
    with connect(folder) as connection:
        channel = connection.channel()
        for number in range(20):
            channel._queue_bind("everyone", "", "", f"{name}-{number}")
    done.release()
    os._exit(0)


def test_two_workers_that_bind_at_once_are_both_bound(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    done = context.Semaphore(0)
    for name in ("one", "two"):
        context.Process(target=_bind, args=(tmp_path, name, done)).start()
    assert done.acquire(timeout=PATIENCE_S)
    assert done.acquire(timeout=PATIENCE_S)
    with connect(tmp_path) as connection:
        assert len(connection.channel().get_table("everyone")) == 40
