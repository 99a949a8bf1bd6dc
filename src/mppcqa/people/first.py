"""How an installation gets its first administrator: by who can read the folder it runs in.

`mppcqa run` prints a link with a code, and keeps the code in a file that only the program's own
user may read. Behind the link the person chooses a name and a password; with that the code ends. So
no password was ever printed, and nobody who only reaches the port can take over.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from django.conf import settings

from mppcqa.disk import whole_file
from mppcqa.people.actions import has_administrator

FILE = "first-code.txt"


def first_code() -> str | None:
    """The code, made now where there is none; None once there is an administrator."""
    path = _path()
    if has_administrator():
        path.unlink(missing_ok=True)
        return None
    if not path.is_file():
        with whole_file(path) as part:
            part.touch(mode=0o600)
            part.write_text(secrets.token_urlsafe(24) + "\n")
    return path.read_text().strip()


def is_first_code(text: str) -> bool:
    """Whether this is the code of an installation that has no administrator yet."""
    if not text or has_administrator() or not _path().is_file():
        return False
    return secrets.compare_digest(text.encode(), _path().read_text().strip().encode())


def forget_first_code() -> None:
    """The code counts no more: there is an administrator."""
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return Path(settings.MPPCQA_HOME) / FILE
