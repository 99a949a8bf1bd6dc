"""The list of programs that a station may run, kept by an administrator on its own computer.

A file in TOML::

    [station]
    make_safe = ["/opt/bench/bias-off"]      # after a stop, and when a program was lost
    least_free_mb = 500                      # below this much room nothing begins

    [programs.darkbox]
    command = ["/opt/bench/darkbox", "--fast"]
    stages = ["darkbox"]                     # empty or left out: any
    folder = "/opt/bench"                    # where it starts; by default the attempt's own
    time_limit_s = 7200
    environment = { ROOTSYS = "/opt/root" }
    pass = ["DISPLAY"]                       # variables of the station's that it gets

``{python}`` as the first word is the Python that runs the station.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
LONGEST_S = 30 * 24 * 3600
WRITABLE = stat.S_IWGRP | stat.S_IWOTH
KEYS = {
    "station": {
        "make_safe": list,
        "grace_s": (int, float),
        "least_free_mb": (int, float),
        "run_as_root": bool,
    },
    "program": {
        "command": list,
        "title": str,
        "stages": list,
        "folder": str,
        "time_limit_s": (int, float),
        "environment": dict,
        "pass": list,
    },
}


class ListFault(Exception):
    """The list can't be used; `faults` has everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True)
class Program:
    """One program of the list."""

    name: str
    command: tuple[str, ...]
    title: str = ""
    stages: tuple[str, ...] = ()
    folder: str = ""
    time_limit_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[str, ...] = ()

    def surroundings(self) -> dict[str, str]:
        """Variables that it gets beside the usual ones."""
        passed = {name: os.environ[name] for name in self.passed if name in os.environ}
        return {**passed, **self.environment}

    def said(self) -> dict[str, Any]:
        """What the server is told of it: not its command."""
        return {
            "name": self.name,
            "title": self.title[:500],
            "stages": list(self.stages),
            "time_limit_s": self.time_limit_s,
        }


@dataclass(frozen=True)
class ProgramList:
    """All programs, and how this computer is left safe."""

    programs: Mapping[str, Program]
    make_safe: tuple[str, ...] = ()
    grace_s: float = 5.0
    least_free_mb: float = 500.0
    run_as_root: bool = False


def read_list(path: Path, *, other_user: bool = False) -> ProgramList:
    """The list in a file; `ListFault` with everything that is wrong.

    With `other_user` the programs do not run as this process's user, which may be root then.
    """
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except OSError as error:
        why = f"{path} can't be read ({error.strerror}): write [programs.NAME] and a command there"
        raise ListFault([why]) from None
    except ValueError as error:  # TOML's and UTF-8's both
        raise ListFault([f"{path} is no TOML: {error}"]) from None
    faults = [f"{path}: {fault}" for fault in _faults(path, document, other_user)]
    if faults:
        raise ListFault(faults)
    station = document.get("station", {})
    make_safe = tuple(station.pop("make_safe", ()))
    programs = {name: _program(name, values) for name, values in document["programs"].items()}
    return ProgramList(programs, _with_python(make_safe), **station)


def _program(name: str, values: dict[str, Any]) -> Program:
    return Program(
        name=name,
        command=_with_python(tuple(values["command"])),
        title=values.get("title", ""),
        stages=tuple(values.get("stages", ())),
        folder=values.get("folder", ""),
        time_limit_s=values.get("time_limit_s"),
        environment=dict(values.get("environment", {})),
        passed=tuple(values.get("pass", ())),
    )


def _with_python(command: tuple[str, ...]) -> tuple[str, ...]:
    return (sys.executable, *command[1:]) if command[:1] == ("{python}",) else command


def _faults(path: Path, document: dict[str, Any], other_user: bool) -> Iterator[str]:
    if problem := _open_to_others(path):
        yield problem
    for name in document.keys() - {"station", "programs"}:
        yield f"[{name}] is not known; there are [station] and [programs.NAME]"
    station = document.get("station", {})
    if isinstance(station, dict):
        yield from _wrong_keys("station", "station", station)
        if station.get("make_safe"):
            yield from _command_faults("station: make_safe", station["make_safe"])
    else:
        yield "station: write [station] and its settings below"
    programs = document.get("programs")
    if not isinstance(programs, dict) or not programs:
        yield "it names no program: write [programs.NAME] and a command below"
        return
    for name, values in programs.items():
        if not NAME.fullmatch(name):
            yield f"program {name!r}: a name is made of letters, digits, dots and dashes, up to 60"
        elif not isinstance(values, dict):
            yield f"program {name}: write [programs.{name}] and its settings below"
        else:
            yield from _program_faults(name, values)
    told = station if isinstance(station, dict) else {}
    if os.geteuid() == 0 and not other_user and told.get("run_as_root") is not True:
        yield (
            "the station runs as root, and so would its programs: give it a user of its own, name "
            "one for its programs (MPPCQA_PROGRAM_USER), or write run_as_root = true below "
            "[station] where root is the only user of a container"
        )


def _program_faults(name: str, values: dict[str, Any]) -> Iterator[str]:
    where = f"program {name}"
    yield from _wrong_keys(where, "program", values)
    if "command" not in values:
        yield f'{where}: no command; write command = ["/path/of/it", "argument"]'
    else:
        yield from _command_faults(f"{where}: command", values["command"])
    folder = values.get("folder", "")
    if isinstance(folder, str) and folder and not Path(folder).is_dir():
        yield f"{where}: the folder {folder} is not there"
    limit = values.get("time_limit_s", 1)
    if isinstance(limit, int | float) and not 0 < limit <= LONGEST_S:
        yield f"{where}: time_limit_s is more than 0 and at most {LONGEST_S} (30 days)"
    for key in ("stages", "pass"):
        listed = values.get(key, [])
        if isinstance(listed, list) and not all(isinstance(one, str) for one in listed):
            yield f"{where}: {key} is a list of texts"
    environment = values.get("environment", {})
    if isinstance(environment, dict):
        for key, value in environment.items():
            if not isinstance(value, str):
                yield f'{where}: environment.{key} is a text: write "{value}"'


def _wrong_keys(where: str, kind: str, values: dict[str, Any]) -> Iterator[str]:
    known: dict[str, Any] = KEYS[kind]
    for key, value in values.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; {near[0]}?" if near else f"; there are {', '.join(known)}"
            yield f"{where}: {key} is not known{hint}"
        elif not isinstance(value, known[key]) or (
            isinstance(value, bool) and known[key] is not bool
        ):
            yield f"{where}: {key} is of the wrong kind ({type(value).__name__})"


def _command_faults(where: str, command: Any) -> Iterator[str]:
    texts = isinstance(command, list) and all(isinstance(one, str) for one in command)
    if not texts or not command or not command[0].strip():
        yield f"{where} is a list of texts, the program first; no shell reads it"
        return
    first = _with_python(tuple(command))[0]
    found = shutil.which(first)
    if found is None:
        there = Path(first).exists()
        yield f"{where}: {first} {'may not be executed' if there else 'is not there'}"
    elif problem := _open_to_others(Path(found)):
        yield f"{where}: {problem}"


def _open_to_others(path: Path) -> str:
    """Why somebody else could change what is run; empty where nobody can."""
    try:
        found = path.stat()
    except OSError:
        return ""
    if found.st_mode & WRITABLE:
        return f"others may write {path}, and so say what is run: chmod go-w {path}"
    if found.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to another user than root or the station's own"
    return ""
