"""``mppcqa station --check``: is all right here, and does the server know this computer?"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from mppcqa.queue.program_user import SETTING, ProgramUserFault, refuse_unable
from mppcqa.station.agent import room_of
from mppcqa.station.link import Away, BadToken, Link, Refused
from mppcqa.station.programs import ListFault, ProgramList, read_list
from mppcqa.station.runner import own_user
from mppcqa.station.spool import Spool


def check(
    server: str,
    token_file: Path,
    list_path: Path,
    folder: Path,
    ca: Path | None,
    say: Callable[[str], None],
) -> list[str]:
    """Everything that is wrong, with what to do; what is right is said."""
    faults: list[str] = []
    programs: ProgramList | None = None
    try:
        programs = read_list(list_path, other_user=bool(os.environ.get(SETTING)))
    except ListFault as error:
        faults += error.faults
    else:
        for program in programs.programs.values():
            stages = ", ".join(program.stages) or "every stage"
            say(f"program {program.name} ({stages}): {' '.join(program.command)}")
    try:
        user = own_user()
        if user is not None:
            refuse_unable(user, [token_file])
            say(f"user of programs: {user.name}, in {user.work}")
    except ProgramUserFault as error:
        faults.append(str(error))
    if not token_file.is_file():
        faults.append(
            f"token: {token_file} is not there: make one on the station's page (Computer) or by "
            "mppcqa token make STATION --to FILE on the server, and bring the file here"
        )
    elif token_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        faults.append(f"token: others may read {token_file}: chmod go= {token_file}")
    free_mb = room_of(folder) / 1e6
    say(f"spool: {folder}, {free_mb:.0f} MB free")
    if programs is not None and free_mb < programs.least_free_mb:
        faults.append(
            f"spool: {folder} has {free_mb:.0f} MB free and nothing begins below least_free_mb = "
            f"{programs.least_free_mb:.0f}: make room, or name another folder with --spool"
        )
    if token_file.is_file():
        faults += _of_server(server, token_file, folder, ca, say)
    return faults


def _of_server(
    server: str, token_file: Path, folder: Path, ca: Path | None, say: Callable[[str], None]
) -> list[str]:
    """What is wrong with the way to the server, or with the token there."""
    agent = Spool(folder).agent() if (folder / "agent").exists() else "check-only"
    try:
        # Asks for nothing: an installation that never said hello is given no work.
        Link(server, token_file, agent, ca).post("next", holding=[[0, 0]])
        say(f"server: {server} takes the token and knows this computer")
    except BadToken:
        return [
            f"server: {server} is there; the token in {token_file} does not count: it ended, "
            "was taken back, or is not a station's. Make a new one on the station's page (Computer)"
        ]
    except Refused as error:
        if error.status != 409:
            return [f"server: {server}: {error}"]
        say(f"server: {server} takes the token; this computer says hello when it is started")
    except Away as error:
        return [f"server: {error}"]
    return []
