"""Becomes another user of this computer for good, and does one thing as that user.

Started as a script with ``python -S -E other_user.py UID GID GROUP,GROUP VERB FOLDER [ARGUMENT …]``
by root, or by a process with the rights to set users and groups. None of these rights is left then,
whatever the program tries. The verbs:

``run FOLDER PROGRAM …``  become the program, in that folder
``make FOLDER``           make it, for that user alone
``put FOLDER NAME``       write what comes on the input
``list FOLDER MOST FIRST``  plain files below it with their bytes, as JSON, one of them first
``give FOLDER NAME``      write a file to the output; no link is followed
``drop FOLDER``           the files whose names come on the input, as a JSON list
``remove FOLDER``         with all that is in it
``gets_into PATH …``      which of these it may read, write or pass through, as a JSON list

The standard library alone: it sees no package.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITIES_3 = 0x20080522
"""The layout of rights that `capset` takes: twice three words."""
_libc = ctypes.CDLL(None, use_errno=True)


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Be that user from now on; ends the process where a way back is left."""
    parent, dies_with = os.getppid(), ctypes.c_int(0)
    _libc.prctl(PR_GET_PDEATHSIG, ctypes.byref(dies_with))
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _libc.capset((ctypes.c_uint32 * 2)(CAPABILITIES_3, 0), (ctypes.c_uint32 * 6)())
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        pass
    else:
        sys.exit("the rights to become another user could not be given up: nothing is started")
    if dies_with.value:
        # The kernel forgets this when the user changes, and says nothing of who died meanwhile.
        _libc.prctl(PR_SET_PDEATHSIG, dies_with.value)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _run(folder: str, *program: str) -> None:
    try:
        os.chdir(folder)
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        print(f"can't start {program[0]} in {folder}: {error.strerror}", file=sys.stderr)
    sys.exit(127)


def _make(folder: str) -> None:
    Path(folder).parent.mkdir(mode=0o700, exist_ok=True)
    Path(folder).mkdir(mode=0o700)


def _put(folder: str, name: str) -> None:
    with Path(folder, name).open("xb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)


def _list(folder: str, most: str, first: str) -> None:
    closed: list[str] = []
    found: list[tuple[str, int]] = []

    def refused(error: OSError) -> None:
        closed.append(os.path.relpath(error.filename, folder))

    def look(name: str) -> None:
        with suppress(OSError):  # it was never there, or is gone
            about = Path(folder, name).lstat()
            if stat.S_ISREG(about.st_mode):
                found.append((name, about.st_size))

    look(first)
    for here, _folders, files in os.walk(folder, onerror=refused):
        for name in sorted(files):
            path = os.path.relpath(os.path.join(here, name), folder)  # noqa: PTH118
            if path != first:
                look(path)
        if len(found) > int(most):
            break
    told = {"files": found[: int(most)], "more": len(found) > int(most), "closed": closed[:99]}
    json.dump(told, sys.stdout)


def _give(folder: str, name: str) -> None:
    number = os.open(Path(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(number, "rb") as file:  # noqa: PTH123 - a descriptor
        if stat.S_ISREG(os.fstat(number).st_mode):
            shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _drop(folder: str) -> None:
    for name in json.load(sys.stdin):
        with suppress(OSError):
            Path(folder, name).unlink()


def _gets_into(*paths: str) -> None:
    def opens(path: str) -> bool:
        ways = [os.R_OK, os.W_OK, *([os.X_OK] if os.path.isdir(path) else [])]  # noqa: PTH112
        return any(os.access(path, way) for way in ways)

    json.dump([path for path in paths if opens(path)], sys.stdout)


VERBS: dict[str, Callable[..., None]] = {
    "run": _run, "make": _make, "put": _put, "list": _list,
    "give": _give, "drop": _drop, "remove": _remove, "gets_into": _gets_into,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Become the user, then do it; what fails is one line for who asked."""
    uid, gid, groups, verb, *rest = arguments
    become(int(uid), int(gid), [int(one) for one in groups.split(",") if one])
    try:
        VERBS[verb](*rest)
    except OSError as error:
        print(f"{error.filename or rest[0]}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
