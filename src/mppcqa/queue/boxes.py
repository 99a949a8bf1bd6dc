"""A control group (cgroup v2) around a worker, where the computer lets us make one.

Nothing that a process starts can leave its group, whatever it does, and the kernel ends a whole
group at once, other users' processes too. It can be made by root, or in a service with
``Delegate=yes``; elsewhere there is none, and `keeper` does without.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

PREFIX = "mppcqa-"
PATIENCE_S = 5.0


def _own() -> Path | None:
    """The group of this process, as a folder."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        own = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    roots = [one.split()[1] for one in mounts if one.split()[2] == "cgroup2"]
    paths = [one.removeprefix("0::") for one in own if one.startswith("0::/")]
    if not roots or not paths or ".." in paths[0]:
        return None
    return Path(roots[0]) / paths[0].lstrip("/")


class Box:
    """One group, named after the process that answers for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = folder.name.removeprefix(PREFIX)

    def pids(self) -> list[int]:
        """Processes in it, and in groups that were made within."""
        found: list[int] = []
        for path in (self.folder, *self._within()):
            with suppress(OSError, ValueError):
                found += map(int, (path / "cgroup.procs").read_text().split())
        return found

    def _within(self) -> list[Path]:
        with suppress(OSError):
            return [path for path in self.folder.rglob("*") if path.is_dir()]
        return []

    def enter(self) -> None:
        """Put this process into it; what it starts from now on is there as well."""
        (self.folder / "cgroup.procs").write_text("0")

    def leave(self) -> None:
        """Back to where it was made."""
        with suppress(OSError):
            (self.folder.parent / "cgroup.procs").write_text("0")

    def kill(self) -> None:
        """End all that is in it."""
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")  # Linux 5.14

    def remove(self) -> bool:
        """Remove it once it is empty; False where it is not."""
        try:
            for path in sorted(self._within(), reverse=True):
                path.rmdir()
            self.folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def end(self) -> list[int]:
        """Kill what is in it and remove it; what could not be ended."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.remove():
            self.kill()
            if time.monotonic() > deadline:
                return self.pids()
            time.sleep(0.02)
        return []


def make(owner: str) -> Box | None:
    """A box with this process in it, or None where none can be made."""
    own = _own()
    if own is None:
        return None
    box = Box(own / f"{PREFIX}{owner}")
    try:
        box.folder.mkdir()
        box.enter()
    except OSError:
        box.remove()
        return None
    return box


def others(box: Box | None = None) -> list[Box]:
    """Boxes beside that of this process, or beside where one would be made."""
    own = box.folder if box is not None else _own()
    if own is None:
        return []
    beside = own.parent if own.name.startswith(PREFIX) else own
    with suppress(OSError):
        return [Box(path) for path in beside.glob(f"{PREFIX}*") if path != own]
    return []
