"""Celery's prefork pool with locks that the kernel frees when their owner is killed.

On transports without an event loop (the filesystem) all pool processes read their jobs from one
pipe, guarded by a semaphore. An idle process waits for a job *holding* it, so a ``kill -9`` of an
idle process leaves the whole pool deaf. A lock on a file ends with the process that held it.

Its threads and processes sleep for a second, one after the other, before they look whether they
shall end: a worker that had nothing to do took seven seconds to stop. Here they end when told.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import tempfile
import threading
import time
from typing import Any, NoReturn

from billiard import pool as billiard_pool
from billiard.common import restart_state
from billiard.exceptions import RestartFreqExceeded
from billiard.pool import Pool
from celery.concurrency.prefork import TaskPool as PreforkTaskPool

logger = logging.getLogger(__name__)
LEAVE_S = 5.0
"""So long pool processes may take to go, once their worker ends and no work is left."""


class FileLock:
    """A lock between processes (and threads), freed by the kernel when its holder dies."""

    def __init__(self) -> None:
        # Has no name, so that nothing is left behind however the worker ends; children inherit it.
        self._inode = tempfile.TemporaryFile(prefix="mppcqa-pool-")  # noqa: SIM115
        self._threads = threading.Lock()
        self._file: int | None = None
        self._opened_by = 0

    def _descriptor(self) -> int:
        # Opened anew after a fork: a lock belongs to the open file, which a child would share.
        if self._file is None or self._opened_by != os.getpid():
            self._file = os.open(f"/proc/self/fd/{self._inode.fileno()}", os.O_RDWR)
            self._opened_by = os.getpid()
            self._threads = threading.Lock()
        return self._file

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        del timeout
        descriptor = self._descriptor()
        if not self._threads.acquire(blocking=block):
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            self._threads.release()
            return False
        except BaseException:
            # A signal's handler may leave by an exception while we wait.
            self._threads.release()
            raise
        return True

    def release(self) -> None:
        fcntl.flock(self._descriptor(), fcntl.LOCK_UN)
        self._threads.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Supervisor(billiard_pool.Supervisor):  # type: ignore[misc]
    """Starts anew what ended; ends at once when told."""

    LOOK_EVERY_S = 0.8
    FIRST_LOOKS = 10
    """So often it looks each 0.1 s at first, to see that processes can be started at all."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._told = threading.Event()

    def close(self) -> None:
        super().close()
        self._told.set()

    def terminate(self) -> None:
        super().terminate()
        self._told.set()

    def body(self) -> None:
        pool = self.pool
        usual = pool.restart_state
        try:
            self._told.wait(self.LOOK_EVERY_S)
            pool.restart_state = restart_state(10 * pool._processes, 1)
            for _ in range(self.FIRST_LOOKS):
                self._look(0.1)
            pool.restart_state = usual
            while self._look(self.LOOK_EVERY_S):
                pass
        except RestartFreqExceeded:
            pool.close()
            pool.join()
            raise

    def _look(self, pause_s: float) -> bool:
        if self._told.is_set() or self.pool._state != billiard_pool.RUN:
            return False
        self.pool._maintain_pool()
        self._told.wait(pause_s)
        return True


class PoolProcess(billiard_pool.Worker):  # type: ignore[misc]
    """A pool process that goes when it is done."""

    def _do_exit(self, pid: int, exitcode: int | None, exc: object = None) -> NoReturn:
        # Billiard's tells the parent, which sends TERM, and sleeps for a second to be hit by it.
        if exitcode is None:
            exitcode = billiard_pool.EX_FAILURE if exc else billiard_pool.EX_OK
        if self.on_exit is not None:
            self.on_exit(pid, exitcode)
        os._exit(exitcode)


class SturdyPool(Pool):  # type: ignore[misc]
    """Billiard's pool with `FileLock` around its two pipes, which stops without delay."""

    Supervisor = Supervisor
    Worker = PoolProcess
    _state: int

    def __init__(self, *args: Any, **named: Any) -> None:
        # No task has a limit of Celery's: `watch` looks after that.
        super().__init__(*args, **{**named, "enable_timeouts": False})

    def close(self) -> None:
        """Take no more, and have the processes told to end, each of them.

        Billiard's tells those that are there while another thread may be starting one, which then
        waits for ever for work.
        """
        if self._state == billiard_pool.RUN:
            self._state = billiard_pool.CLOSE
            if self._putlock:
                self._putlock.clear()
            self._worker_handler.close()
            billiard_pool.stop_if_not_current(self._worker_handler)
            self._taskqueue.put(None)

    def join(self) -> None:
        """Wait for the work that is left, then for the processes; one that hangs is ended.

        Once no job is left, none of them does anything that anybody waits for.
        """
        billiard_pool.stop_if_not_current(self._worker_handler)
        self._stop_task_handler(self._task_handler)
        billiard_pool.stop_if_not_current(self._result_handler)
        deadline = time.monotonic() + LEAVE_S
        for process in self._pool:
            if process._popen is None:
                continue
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                logger.error("pool process %s does not end and is killed", process.pid)
                os.kill(process.pid, signal.SIGKILL)
                process.join()

    def _setup_queues(self) -> None:
        super()._setup_queues()
        self._inqueue._rlock = FileLock()
        self._outqueue._wlock = FileLock()


class TaskPool(PreforkTaskPool):  # type: ignore[misc]
    """What ``worker_pool`` names: sturdy where the transport has no event loop."""

    BlockingPool: Any = SturdyPool
