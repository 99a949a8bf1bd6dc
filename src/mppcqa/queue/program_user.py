"""The operating system's user that test programs run as, where one is named.

A test program may do what its user may. As a user of its own it reads neither the settings with
their passwords nor the database's file, and signals none of our processes. It works in a folder of
its own, since it does not get into ours; what it wrote is handed over by a process that is that
user too, so that no link of its makes us read what it could not.

No Django here: a station's program uses this as well.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import secrets
import select
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mppcqa.disk import whole_file

SCRIPT = Path(__file__).with_name("other_user.py")
SETTING, FOLDER_SETTING = "MPPCQA_PROGRAM_USER", "MPPCQA_PROGRAM_FOLDER"
FOLDER = "mppcqa-runs"
"""In the user's home, where no other folder is named: a folder for each attempt lies in it."""
FIRST = "run.root"
"""What is brought before all else."""
ELSEWHERE = "elsewhere"
"""File that says where an attempt's program works, until all of it was brought."""
MAX_FILES = 1000
KEPT_FREE = 0.01
"""So much of the disk here stays free, whatever a program wrote."""
STALLED_S = 60.0
"""A file of which so long nothing comes is left where it lies."""
FLUSHED_BYTES = 64 << 20
"""Flushed as it comes: a flush of all at the end could not be stopped for minutes."""
HELPER_S = 300.0
"""What a process that does something as the user may take."""
RIGHTS = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}


class ProgramUserFault(ValueError):
    """Programs can't run as the user that is named; the message says why and what to do."""


@dataclass(frozen=True)
class ProgramUser:
    """A user of this computer, as programs are started."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    work: Path
    """Folder in which each attempt gets one."""
    home: Path

    @property
    def place(self) -> Path:
        """The nearest to `work` that others may see."""
        return self.home if self.work.parent == self.home else self.work

    def command(self, folder: Path, argv: Sequence[str]) -> list[str]:
        """What starts a program as this user, in a folder."""
        return self.do("run", str(folder), *argv)

    def environment(self) -> dict[str, str]:
        """What differs from the environment of the process that starts a program."""
        return {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name}

    def ask(self, verb: str, *arguments: str, given: bytes = b"") -> bytes:
        """Do something as this user; its output. `ProgramUserFault` where it fails."""
        try:
            done = subprocess.run(  # noqa: S603
                self.do(verb, *arguments), input=given, capture_output=True, check=False,
                cwd="/", env=bare_environment(), timeout=HELPER_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProgramUserFault(f"as the user {self.name}: {error}") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
            raise ProgramUserFault(f"as the user {self.name}: {said[-1]}")
        return done.stdout

    def do(self, verb: str, *arguments: str) -> list[str]:
        """The command that does something as this user."""
        groups = ",".join(map(str, self.groups))
        who = [str(self.uid), str(self.gid), groups]
        return [sys.executable, "-S", "-E", str(SCRIPT), *who, verb, *arguments]


def program_user(name: str, folder: str = "") -> ProgramUser | None:
    """The user of that name, who works in that folder; None for no name.

    `ProgramUserFault` where it can't be taken.
    """
    if not name:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise ProgramUserFault(
            f"{SETTING} names {name!r}, which is no user of this computer. Make it "
            f"(useradd --system --create-home --shell /usr/sbin/nologin {name}), or take the "
            "setting away."
        ) from None
    groups = tuple(os.getgrouplist(name, found.pw_gid))
    home = Path(found.pw_dir)
    work = Path(folder) if folder else home / FOLDER
    user = ProgramUser(name, found.pw_uid, found.pw_gid, groups, work, home)
    for fault in _faults(user):
        raise ProgramUserFault(f"{SETTING} names {name!r}, {fault}")
    return user


def _faults(user: ProgramUser) -> list[str]:
    if user.uid == 0:
        return ["who is root: test programs never run as root. Name a user without rights."]
    if user.uid == os.geteuid():
        return [
            "who runs this process itself, so that programs could read its settings and "
            "passwords. Name another user."
        ]
    if common := {0, os.getegid()} & set(user.groups):
        group = grp.getgrgid(common.pop()).gr_name
        return [
            f"who is in the group {group} and may read what is that group's, such as the "
            f"settings. Take it out: gpasswd --delete {user.name} {group}"
        ]
    place = user.place
    try:
        owner = place.stat().st_uid
    except OSError:
        owner = -1
    if owner != user.uid:
        return [
            f"who has no folder {place} of its own for programs to work in. Make it: install -d "
            f"-m 0700 -o {user.name} {place}"
        ]
    return []


def refuse_unable(user: ProgramUser, closed: Iterable[Path]) -> None:
    """At the start: may this process become the user, who can work, and to whom these are closed?

    A folder that it may pass through is not closed: what lies in it may be open.

    `ProgramUserFault` says what is to be changed.
    """
    has = _rights()
    if missing := [name for name, bit in RIGHTS.items() if not has >> bit & 1]:
        raise ProgramUserFault(
            f"this process may not start programs as {user.name} ({SETTING}): it lacks "
            f"{' '.join(missing)}. Under systemd, AmbientCapabilities={' '.join(RIGHTS)} gives its "
            "service no more than that (docs/deployment.md)."
        )
    tried = str(user.work / f"tried-{secrets.token_hex(4)}")
    try:
        user.ask("make", tried)
        user.ask("remove", tried)
    except ProgramUserFault as error:
        raise ProgramUserFault(
            f"{user.name} ({SETTING}) can't make a folder in {user.work} ({error}). The disk must "
            "be writable, and each folder above may be passed through by others (chmod o+x)."
        ) from None
    if open_ := json.loads(user.ask("gets_into", *map(str, closed))):
        raise ProgramUserFault(
            f"{user.name} ({SETTING}) gets into {', '.join(open_)}, where passwords and keys are: "
            f"chmod go= {' '.join(open_)}"
        )


def _rights() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


class Place:
    """Where an attempt's program works: its own folder here, or one of the user's."""

    def __init__(self, here: Path, user: ProgramUser | None) -> None:
        self.here, self.user = here, user
        self.folder = here
        if user is not None:
            self.folder = user.work / f"{here.name}-{secrets.token_hex(4)}"
            with whole_file(here / ELSEWHERE) as part:
                part.write_text(str(self.folder))
            user.ask("make", str(self.folder))

    def put(self, name: str, text: str) -> Path:
        """A file that the program reads; its path for the program."""
        if self.user is None:
            with whole_file(self.here / name) as part:
                part.write_text(text)
        else:
            self.user.ask("put", str(self.folder), name, given=text.encode())
        return self.folder / name

    def bring(self, *only: str) -> dict[str, str]:
        """Take over what the program wrote, or those files of it, and remove its folder.

        It raises nothing: what could not be taken over lies there still, and is returned with why.
        """
        return {} if self.user is None else bring(self.user, self.folder, self.here, *only)


def told_left(left: Mapping[str, str], place: Path) -> str:
    """What was not brought, for people."""
    named = [f"{name!r}: {why}" for name, why in list(left.items())[:5]]
    named += [f"and {len(left) - 5} more"] if len(left) > 5 else []
    return f"not taken over of what the program wrote, and still in {place}: {'; '.join(named)}"


def elsewhere(here: Path, user: ProgramUser | None) -> Path | None:
    """The user's folder of an attempt, while not all of it was brought."""
    said = here / ELSEWHERE
    if user is None or not said.is_file():
        return None
    folder = Path(said.read_text())
    # It may be one of another user that was named then.
    return folder if folder.parent == user.work else None


def bring_left(here: Path, user: ProgramUser | None, *only: str) -> dict[str, str] | None:
    """Bring what a killed worker had no time for: what is left of it; None where nothing was."""
    folder = elsewhere(here, user)
    if user is None or folder is None:
        return None
    return bring(user, folder, here, *only)


def bring(user: ProgramUser, folder: Path, here: Path, *only: str) -> dict[str, str]:
    """Copy files as that user reads them, flushed; what is here already stays as it is.

    `FIRST` comes first. What can't be brought stays where it is: its name and why.
    """
    try:
        found = json.loads(user.ask("list", str(folder), str(MAX_FILES), FIRST))
        usage = shutil.disk_usage(here)
    except (OSError, ValueError) as error:
        return {".": str(error)}
    room = usage.free - int(KEPT_FREE * usage.total)
    left = {} if only else dict.fromkeys(found["closed"], "is closed")
    if found["more"] and not only:
        left["..."] = f"of its files, {MAX_FILES} at most are brought at a time"
    brought = []
    for name, size in found["files"]:
        if only and name not in only:
            continue
        try:
            room -= _bring_one(user, folder, here, name, size, room)
            brought.append(name)
        except (OSError, ProgramUserFault) as error:
            left[name] = getattr(error, "strerror", None) or str(error)
    with suppress(OSError, ProgramUserFault):
        if left:
            user.ask("drop", str(folder), given=json.dumps(brought).encode())
        else:
            user.ask("remove", str(folder))
            (here / ELSEWHERE).unlink(missing_ok=True)
    return left


def _bring_one(user: ProgramUser, folder: Path, here: Path, name: str, size: int, room: int) -> int:
    """Bring one file; its bytes. `ProgramUserFault` or `OSError` where that can't be done."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ProgramUserFault("its name leads elsewhere")
    if (here / path).is_file():
        return 0
    # Of a file with holes this is what it would take here.
    if size > room:
        raise ProgramUserFault(f"its {size} bytes do not fit on the disk of {here}")
    with whole_file(here / path, fresh=True) as part:
        return _copy(user.do("give", str(folder), name), part, room)


def _copy(command: list[str], part: Path, most: int) -> int:
    """What a process gives, as a file of at most so many bytes; how many there were."""
    size = unflushed = 0
    with (
        part.open("wb") as file,
        subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd="/", env=bare_environment(),
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        try:
            while data := _next(process.stdout.fileno()):
                size += len(data)
                unflushed += len(data)
                if size > most:
                    raise ProgramUserFault("it is larger than the room on the disk here")
                file.write(data)
                if unflushed >= FLUSHED_BYTES:
                    file.flush()
                    os.fdatasync(file.fileno())
                    unflushed = 0
            process.wait(STALLED_S)
            said = process.stderr.read().decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired:
            raise ProgramUserFault("who hands it over does not end") from None
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        raise ProgramUserFault(said.rpartition(": ")[2] or "it could not be read")
    return size


def _next(source: int) -> bytes:
    """The next piece, empty at the end."""
    if not select.select([source], [], [], STALLED_S)[0]:
        raise ProgramUserFault(f"nothing of it came for {STALLED_S:.0f} s")
    return os.read(source, 1 << 20)


def bare_environment() -> dict[str, str]:
    """For a process of another user: nothing of ours, passwords and tokens above all."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
