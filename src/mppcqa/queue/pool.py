"""Celery's prefork pool with locks that the kernel frees when their owner is killed.

On transports without an event loop (the filesystem) all pool processes read their jobs from one
pipe, guarded by a semaphore. An idle process waits for a job *holding* it, so a ``kill -9`` of an
idle process leaves the whole pool deaf. A lock on a file ends with the process that held it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from typing import Any

from billiard.pool import Pool
from celery.concurrency.prefork import TaskPool as PreforkTaskPool


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


class SturdyPool(Pool):  # type: ignore[misc]
    """Billiard's pool with `FileLock` around its two pipes."""

    def _setup_queues(self) -> None:
        super()._setup_queues()
        self._inqueue._rlock = FileLock()
        self._outqueue._wlock = FileLock()


class TaskPool(PreforkTaskPool):  # type: ignore[misc]
    """What ``worker_pool`` names: sturdy where the transport has no event loop."""

    BlockingPool: Any = SturdyPool
