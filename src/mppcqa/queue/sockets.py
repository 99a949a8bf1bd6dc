"""Connections to a database server that is cut off end soon, and those that only wait do not.

By itself a connection whose other end is gone hangs for a quarter of an hour, and with it the
thread that renews leases. A time limit for reading would notice, but would also end a query that
takes long. So the kernel is told to ask the other end whether it is there.
"""

from __future__ import annotations

import os
import socket
from typing import Any

GONE_AFTER_S = 20


def notice_dead_peers(*, connection: Any, **_: Any) -> None:
    """Receiver of Django's ``connection_created``."""
    if connection.vendor != "mysql":
        return
    # PyMySQL has no public name for its socket; mysqlclient tells its number.
    link = getattr(connection.connection, "_sock", connection.connection)
    number = link.fileno()
    waits = os.get_blocking(number)
    with socket.socket(fileno=os.dup(number)) as peer:
        # A default time limit, which Celery's scheduler sets, makes a new socket one that does not
        # wait for an answer, and with it the connection's own: both are one file.
        os.set_blocking(number, waits)
        if peer.family == socket.AF_UNIX:
            return
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, GONE_AFTER_S // 2),
            (socket.TCP_KEEPINTVL, GONE_AFTER_S // 4),
            (socket.TCP_KEEPCNT, 2),
            # Also where something was sent that nobody acknowledges.
            (socket.TCP_USER_TIMEOUT, GONE_AFTER_S * 1000),
        ):
            peer.setsockopt(socket.IPPROTO_TCP, option, value)
