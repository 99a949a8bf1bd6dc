"""Another user of this computer for tests that run as root, and a Python that it may start."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.workers import SOURCE

NOBODY = "nobody"
UID = pwd.getpwnam(NOBODY).pw_uid
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start as another user")


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """A folder that it owns and reaches; a test's own is closed to it."""
    usual = Path(tempfile.gettempdir())
    passed = all(above.stat().st_mode & 0o001 for above in (usual, *usual.parents))
    folder = Path(tempfile.mkdtemp(prefix="mppcqa-programs-", dir=usual if passed else "/tmp"))  # noqa: S108
    try:
        folder.chmod(0o755)
        with suppress(PermissionError):
            os.chown(folder, UID, -1)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def python_of_nobody() -> list[str]:
    """This environment's Python, or the system's with its packages where that lies with root."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib")])
    others = ["/usr/bin/env", f"PYTHONPATH={packages}", f"/usr/bin/python{version}"]
    for command in ([sys.executable], others):
        with suppress(OSError):
            subprocess.run([*command, "-c", "import numpy"], user=UID, cwd="/", check=True)
            return command
    pytest.skip("there is no Python here that another user may start")
