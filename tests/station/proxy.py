"""A cable between station and server: it can be cut, put back, and cut after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Proxy:
    """Forwards one port to another while the cable is whole."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.whole = True
        self.cut_after: int | None = None
        """Bytes to the server after which the cable is cut, once."""
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Everything that is open breaks off, and nothing gets through."""
        with self._lock:
            self.whole = False
            self.cuts += 1
            there, self._open = self._open, set()
        for one in there:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self.whole = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.whole:
                    client.close()
                    continue
                try:
                    server = socket.create_connection(self.target, 5)
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._open |= {client, server}
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16384):
                if up and self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after <= 0:
                        self.cut_after = None
                        sink.sendall(data[: len(data) // 2])
                        self.cut()
                        return
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
