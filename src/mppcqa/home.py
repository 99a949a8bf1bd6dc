"""Where the program keeps what it writes, and that it is its owner's alone.

No Django here: the command line needs it first.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mppcqa.disk import whole_file

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root of the source tree; holds ``node_modules`` and ``build`` once the environment is made."""
OTHERS = 0o077
"""Rights of everybody but the owner."""


def home_folder() -> Path:
    """``MPPCQA_HOME``, made if need be; ``var/`` in a checkout, ``~/.mppcqa`` otherwise.

    Whatever this process and its children write from now on is its owner's alone. Where other
    users could get in, that is told and mended.
    """
    os.umask(OTHERS)
    named = os.environ.get("MPPCQA_HOME")
    if named:
        home = Path(named).expanduser()
    elif (CHECKOUT / "pyproject.toml").is_file():
        home = CHECKOUT / "var"
    else:
        home = Path.home() / ".mppcqa"
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    close_to_others(home, *home.iterdir())
    return home


def close_to_others(*paths: Path) -> None:
    """Take every right from other users where they have any; below such a folder everywhere.

    Only the paths themselves are looked at first: nobody gets into what lies in a closed folder.
    """
    for path in paths:
        rights = _rights_of_others(path)
        if not rights:
            continue
        done = failed = 0
        for one in (*_below(path), path):
            try:
                if _rights_of_others(one):
                    one.chmod(stat.S_IMODE(one.stat().st_mode) & ~OTHERS)
                    done += 1
            except FileNotFoundError:
                continue
            except OSError:
                failed += 1
        said = f"mppcqa: other users of this computer had rights on {path} ({rights:03o})"
        said += f"; taken from {done} files and folders"
        if failed:
            said += f"; {failed} are not ours to change: have their owner do chmod -R go= {path}"
        print(said, file=sys.stderr)


def open_to_others(folder: Path) -> Iterator[Path]:
    """Everything in a folder, itself included, that other users have rights on."""
    for path in (folder, *_below(folder)):
        with suppress(OSError):
            if _rights_of_others(path):
                yield path


def _rights_of_others(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode) & OTHERS
    except OSError:
        return 0


def _below(path: Path) -> Iterator[Path]:
    """All below a folder; links are not followed."""
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            one = Path(folder, name)
            if not one.is_symlink():
                yield one


RUNNING = "run.lock"
"""Held by `mppcqa run` while it runs; in it stands where it listens."""


def served_at(home: Path) -> str:
    """The address at which `mppcqa run` serves this home, or did last; of the first one its usual.

    Other commands print links, and know of the port by this alone.
    """
    with suppress(OSError, UnicodeDecodeError):
        text = (home / RUNNING).read_text().strip()
        if text.startswith("http://"):
            return text
    return "http://127.0.0.1:8000"


def secret_key(home: Path) -> str:
    """The installation's secret, made at the first start and readable by its owner alone."""
    path = home / "secret-key"
    if not path.exists():
        # Another process may come first.
        with suppress(FileExistsError), whole_file(path, fresh=True) as part:
            part.write_text(secrets.token_urlsafe(50))
    key = path.read_text().strip()
    if not key:
        raise RuntimeError(f"{path} is empty: remove it, a new secret is made at the next start")
    return key
