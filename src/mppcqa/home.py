"""Where the program keeps what it writes. No Django here: the command line needs it first."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root of the source tree; holds ``node_modules`` and ``build`` once the environment is made."""


def home_folder() -> Path:
    """``MPPCQA_HOME``, made if need be; ``var/`` in a checkout, ``~/.mppcqa`` otherwise."""
    named = os.environ.get("MPPCQA_HOME")
    if named:
        home = Path(named).expanduser()
    elif (CHECKOUT / "pyproject.toml").is_file():
        home = CHECKOUT / "var"
    else:
        home = Path.home() / ".mppcqa"
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o750)
    return home


def secret_key(home: Path) -> str:
    """The installation's secret, made at the first start and readable by its owner alone."""
    path = home / "secret-key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # Another process may have made the file and not written it yet.
        return path.read_text().strip() or _wait_for(path)
    key = secrets.token_urlsafe(50)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key


def _wait_for(path: Path) -> str:
    import time

    for _ in range(50):
        time.sleep(0.02)
        key = path.read_text().strip()
        if key:
            return key
    raise RuntimeError(f"{path} is empty: remove it, a new secret is made at the next start")
