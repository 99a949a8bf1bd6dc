"""The process that fits while somebody waits: loaded once, then two children that answer in turn.

A child answers one caller at a time, under a clock that the kernel holds: what takes longer than
`LIMIT_S` is ended in the middle, compiled or not, and a new child takes its place at once, since it
begins as a copy of its parent. It may use so much memory and no more, and writes nothing.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from django.db import connections

from mppcqa.queue import offspring
from mppcqa.views.fitter import LIMIT_S, answer, read_line, socket_address, warm_up

logger = logging.getLogger(__name__)
CHILDREN = 2
MOST_MEMORY = 3 << 30
"""Bytes that a child may address beyond what it began with."""
WAITING = 16
"""Callers that may wait."""


def serve() -> None:
    """Answer until told to end."""
    with socket_address() as address:
        with suppress(FileNotFoundError):
            Path(address).unlink()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
    # Whoever comes while all is loaded waits, and is answered then.
    listener.listen(WAITING)
    signal.signal(signal.SIGTERM, _end)
    place = warm_up()
    # A child that inherited a connection would share it.
    connections.close_all()
    children: set[int] = set()
    try:
        while True:
            while len(children) < CHILDREN:
                children.add(_child(listener))
            ended, status = os.wait()
            children.discard(ended)
            if status:
                logger.warning("a fit was ended: %s", os.waitstatus_to_exitcode(status))
    except KeyboardInterrupt:
        pass
    finally:
        place.unlink(missing_ok=True)
        for one in children:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _child(listener: socket.socket) -> int:
    """Start a child; its number."""
    number = os.fork()
    if number:
        return number
    try:
        offspring.die_with_parent(signal.SIGKILL)
        for one in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(one, signal.SIG_DFL)
        most = _addressed() + MOST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        while True:
            link, _address = listener.accept()
            with link:
                _answer(link)
    except KeyboardInterrupt:
        os._exit(0)
    except BaseException:
        logger.exception("the process that fits fails")
        os._exit(1)


def _answer(link: socket.socket) -> None:
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        line = read_line(link)
        if line.endswith(b"\n"):
            with suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(json.dumps(answer(line)).encode() + b"\n")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        connections.close_all()


def _addressed() -> int:
    """Bytes that this process addresses now."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[0]) * resource.getpagesize()
