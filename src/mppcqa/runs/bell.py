"""Where the computers of stations listen for work, so that they need not ask again and again.

The bell says nothing but "look": what there is to do stands in the database and is asked for with
the token. Without it a station asks once a second.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db import connection

from mppcqa.disk import whole_file
from mppcqa.queue.models import REMOTE_PREFIX, State
from mppcqa.runs.models import Station

SALT = "mppcqa.station.bell"
TICKET_AGE_S = 24 * 3600
FILE = "bell-port"


def _file() -> Path:
    return Path(settings.MPPCQA_HOME) / FILE


def open_bell(port: int) -> None:
    """Note on which port of this computer the bell is."""
    with whole_file(_file()) as part:
        part.write_text(f"{port}\n")


def close_bell() -> None:
    """There is no bell any more."""
    _file().unlink(missing_ok=True)


def bell_address(station: Station, host: str, *, secure: bool) -> str:
    """Where a station listens, with a ticket of a day; empty where there is no bell."""
    ticket = signing.dumps(station.pk, salt=SALT)
    if settings.MPPCQA_BELL:
        return f"{settings.MPPCQA_BELL.rstrip('/')}/?ticket={ticket}"
    if secure:
        return ""  # a proxy stands before the server; MPPCQA_BELL names the way through it
    with suppress(FileNotFoundError, ValueError):
        port = int(_file().read_text())
        name = urlsplit(f"//{host}").hostname or "127.0.0.1"
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/?ticket={ticket}"
    return ""


def station_of(ticket: str) -> int | None:
    """The station that a ticket is for; None for one that does not count."""
    try:
        return int(signing.loads(ticket, salt=SALT, max_age=TICKET_AGE_S))
    except (signing.BadSignature, TypeError, ValueError):
        return None


def stations_by_lane() -> dict[str, int]:
    """All stations whose computers may listen."""
    rows = Station.objects.filter(remote=True).only("name")
    return {one.lane: one.pk for one in rows}


def queued() -> set[tuple[str, int]]:
    """What waits for the computer of a station: lane and task."""
    # Asked forty times a second: written out, it costs a tenth of what it does through the ORM.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, id FROM queue_task WHERE state = %s AND served_by LIKE %s",
            [State.QUEUED.value, f"{REMOTE_PREFIX}%"],
        )
        return {(lane, number) for lane, number in cursor.fetchall()}


def to_stop() -> set[tuple[str, int]]:
    """What runs and shall end: lane and task."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane, id FROM queue_task WHERE state = %s AND kill_requested_at IS NOT NULL",
            [State.RUNNING.value],
        )
        return {(lane, number) for lane, number in cursor.fetchall()}
