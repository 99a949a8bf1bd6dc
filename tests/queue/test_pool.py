"""The pool of a worker without an event loop ends when it is told, whatever its processes do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from mppcqa.queue.pool import LEAVE_S, SturdyPool


@pytest.fixture
def pool() -> Iterator[SturdyPool]:
    made = SturdyPool(3)
    yield made
    for one in made._pool:
        if one.is_alive():
            os.kill(one.pid, signal.SIGKILL)


def test_a_process_that_hangs_keeps_no_worker_from_its_end(pool: SturdyPool) -> None:
    assert pool.apply_async(abs, (-3,)).get(timeout=60) == 3
    stuck = pool._pool[1].pid
    os.kill(stuck, signal.SIGSTOP)
    began = time.monotonic()
    pool.close()
    pool.join()
    assert time.monotonic() - began < LEAVE_S + 20
    assert not os.path.exists(f"/proc/{stuck}")  # noqa: PTH110


@pytest.mark.parametrize("pause_s", [0.0, 0.02, 0.1, 0.9])
def test_processes_that_are_replaced_while_it_closes_end_too(
    pool: SturdyPool, pause_s: float
) -> None:
    assert pool.apply_async(abs, (-3,)).get(timeout=60) == 3
    for one in pool._pool[:2]:
        os.kill(one.pid, signal.SIGKILL)
    time.sleep(pause_s)
    began = time.monotonic()
    pool.close()
    pool.join()
    assert time.monotonic() - began < LEAVE_S
    assert not any(one.is_alive() for one in pool._pool)
