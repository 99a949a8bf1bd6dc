"""``mppcqa station --check``: is all right here, and does the server know this computer?"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from mppcqa.station.agent import room_of
from mppcqa.station.link import Away, Link, Refused
from mppcqa.station.programs import ListFault, ProgramList, read_list
from mppcqa.station.spool import Spool


def check(
    server: str,
    token_file: Path,
    list_path: Path,
    folder: Path,
    ca: Path | None,
    say: Callable[[str], None],
) -> list[str]:
    """Everything that is wrong; what is right is said."""
    faults: list[str] = []
    programs: ProgramList | None = None
    try:
        programs = read_list(list_path)
    except ListFault as error:
        faults += error.faults
    else:
        for program in programs.programs.values():
            stages = ", ".join(program.stages) or "every stage"
            say(f"program {program.name} ({stages}): {' '.join(program.command)}")
    if not token_file.is_file():
        faults.append(f"{token_file} is not there: make a token on the station's page")
        return faults
    if token_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        faults.append(f"others may read {token_file}: chmod go= {token_file}")
    free_mb = room_of(folder) / 1e6
    say(f"spool {folder}: {free_mb:.0f} MB free")
    if programs is not None and free_mb < programs.least_free_mb:
        faults.append(f"{folder} has less room than least_free_mb = {programs.least_free_mb:.0f}")
    agent = Spool(folder).agent() if (folder / "agent").exists() else "check-only"
    try:
        # Asks for nothing: an installation that never said hello is given no work.
        Link(server, token_file, agent, ca).post("next", holding=[[0, 0]])
        say(f"{server} knows this computer")
    except Refused as error:
        if error.status == 409:
            say(f"{server} accepts the token; this computer is not the one that it knows yet")
        else:
            faults.append(f"{server}: {error}")
    except Away as error:
        faults.append(str(error))
    return faults
