"""The bell: one process that holds a connection for each station which waits for work.

A web server with a thread a request could not: a hundred stations that wait would be a hundred
threads. It says no more than "look"; a station that hears nothing asks now and then as well.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from django.db import DatabaseError, connections

from mppcqa.runs.bell import close_bell, open_bell, queued, station_of, stations_by_lane, to_stop

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 0.025
STOPS_EVERY = 8
"""Every so many looks it is asked as well what shall end."""
AGAIN_S = 2.0
ALIVE_EVERY_S = 10.0
AWAY_S = 1.0
MOST = 2000
"""Stations that listen at once."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Bell:
    """An ASGI application: ``GET /?ticket=…`` answers with a stream of events without an end."""

    def __init__(self) -> None:
        self.listening: dict[int, set[asyncio.Event]] = defaultdict(set)
        self.lanes: dict[str, int] = {}
        self.rung: dict[tuple[str, int], float] = {}
        self.reader = ThreadPoolExecutor(1, "look")
        self.watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._listen(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.startup":
                self.watch = asyncio.create_task(self._watch())
            elif self.watch is not None:
                self.watch.cancel()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return

    async def _listen(self, scope: Message, receive: Receive, send: Send) -> None:
        asked = parse_qs(scope["query_string"].decode("ascii", "replace"))
        station = station_of(asked.get("ticket", [""])[0])
        if station is None:
            await _answer(send, 403, b"the ticket does not count: say hello again\n")
            return
        event = asyncio.Event()
        event.set()  # it may have missed something before it listened
        self.listening[station].add(event)
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await send(_head(200, "text/event-stream"))
            while not gone.done():
                rings = asyncio.create_task(event.wait())
                await asyncio.wait(
                    {gone, rings}, timeout=ALIVE_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                )
                rings.cancel()
                body = b"data: look\n\n" if event.is_set() else b": here\n\n"
                event.clear()
                await send({"type": "http.response.body", "body": body, "more_body": True})
        finally:
            gone.cancel()
            self.listening[station].discard(event)
            if not self.listening[station]:
                del self.listening[station]

    async def _watch(self) -> None:
        loop, turn = asyncio.get_running_loop(), 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self.listening:
                continue
            turn += 1
            try:
                found = await loop.run_in_executor(self.reader, self._look, turn)
            except DatabaseError as error:
                logger.warning("the database is away: %s", error)
                await asyncio.sleep(AWAY_S)
                continue
            for station in found:
                for event in self.listening.get(station, ()):
                    event.set()

    def _look(self, turn: int) -> set[int]:
        """Stations that have something to do which they were not told of a moment ago."""
        try:
            todo = queued() | (to_stop() if turn % STOPS_EVERY == 0 else set())
            if {lane for lane, _task in todo} - self.lanes.keys():
                self.lanes = stations_by_lane()
        except DatabaseError:
            connections.close_all()
            raise
        now = time.monotonic()
        fresh = {one for one in todo if now - self.rung.get(one, -AGAIN_S) >= AGAIN_S}
        self.rung = {one: at for one, at in self.rung.items() if now - at < AGAIN_S}
        self.rung |= dict.fromkeys(fresh, now)
        return {self.lanes[lane] for lane, _task in fresh if lane in self.lanes}


def _head(status: int, kind: str) -> Message:
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
    headers.append((b"x-accel-buffering", b"no"))
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _answer(send: Send, status: int, body: bytes) -> None:
    await send(_head(status, "text/plain"))
    await send({"type": "http.response.body", "body": body})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def serve(host: str, port: int) -> None:
    """Serve the bell until it is told to end, on another port where this one is taken."""
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.bind((host, 0))
    config = uvicorn.Config(
        Bell(),
        limit_concurrency=MOST,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    open_bell(listener.getsockname()[1])
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        close_bell()
