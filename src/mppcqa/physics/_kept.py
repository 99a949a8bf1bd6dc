"""Where compiled code is kept, and that it is made once.

Numba keeps it beside the source, or in the user's cache where the source may not be written to. A
service often has neither, and then nothing could be imported: a folder of its own takes it. Numba
looks at the one file that a function stands in, not at those of the functions that it calls, so
what is older than any of the sources is thrown away on import.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import RLock

from numba import njit as njit
from numba.core import config

inner = partial(njit, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""`njit` for what compiled functions alone call: no wrappers for Python or C are made of it, which
take apart and count every array that is passed. Called from Python, it would crash."""

FOLDER = "NUMBA_CACHE_DIR"
COMPILED = re.compile(rb"numba|_apart import|_kept import")


def _probe() -> None:
    """Something to keep, which shows where."""


def drop_stale(sources: Path, kept: Path) -> None:
    """Delete Numba's index files in `kept` that are older than a source with compiled functions."""
    compiled = [path for path in sources.glob("*.py") if COMPILED.search(path.read_bytes())]
    newest = max(path.stat().st_mtime for path in compiled)
    for index in kept.glob("*.nbi"):
        try:
            if index.stat().st_mtime < newest:
                index.unlink()
        except OSError:  # another process was quicker, or the folder may not be written to
            continue


def own_folder() -> Path:
    """A folder of this user alone for compiled code, which is trusted when it is loaded."""
    folder = Path(tempfile.gettempdir()) / f"mppcqa-compiled-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        if folder.is_symlink() or state.st_uid != os.getuid() or state.st_mode & 0o077:
            raise OSError(f"{folder} is somebody else's")
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="mppcqa-compiled-"))
    return folder


def where_kept() -> Path:
    """Folder of this package's compiled code; chooses one where Numba finds none."""
    place: str | None
    try:
        place = njit(cache=True)(_probe).stats.cache_path
    except RuntimeError:  # "no locator available"
        os.environ[FOLDER] = str(own_folder())
        config.reload_config()  # type: ignore[no-untyped-call]
        place = njit(cache=True)(_probe).stats.cache_path
    return Path(place or "")


KEPT = where_kept()
_here = RLock()
_held: list[int] = []


@contextmanager
def alone() -> Iterator[None]:
    """Keep other processes and threads from compiling meanwhile; they find what was compiled."""
    with _here, ExitStack() as stack:
        if not _held:
            try:
                KEPT.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context((KEPT / "compiling.lock").open("a"))
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError:  # nothing can be kept there, so nothing would be found there either
                pass
        _held.append(1)
        try:
            yield
        finally:
            _held.pop()


drop_stale(Path(__file__).parent, KEPT)
