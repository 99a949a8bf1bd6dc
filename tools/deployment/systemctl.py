#!/usr/bin/python3
"""Stands for systemctl in an empty Debian without systemd: starts what the units say.

User, rights, settings, folder, umask and command come from the unit's own file. What else hardens a
service is not done here; `systemd-analyze` looks at that.
"""

import configparser
import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS, RUN = Path("/etc/systemd/system"), Path("/run/units")


def main() -> None:
    RUN.mkdir(exist_ok=True)
    verb, *names = [one for one in sys.argv[1:] if not one.startswith("-")]
    for name in names:
        if verb in ("stop", "restart"):
            stop(name)
        if verb in ("start", "restart", "enable"):
            start(name)


def start(name: str) -> None:
    if name == "nginx":
        subprocess.run(["/usr/sbin/nginx"], check=True)
        return
    name = name if "." in name else f"{name}.service"
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    if not unit.read(UNITS / name):
        sys.exit(f"there is no unit {name}")
    if name.endswith(".target"):
        for wanted in unit["Unit"]["Wants"].split():
            start(wanted)
    elif not alive(name):
        run(name, unit["Service"])


def run(name: str, service: configparser.SectionProxy) -> None:
    person = pwd.getpwnam(service["User"])
    settings = {"HOME": person.pw_dir, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    for line in Path(service["EnvironmentFile"]).read_text().splitlines():
        if line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            settings[key] = "".join(shlex.split(value))
    log = Path("/var/log") / f"{name}.log"
    rights = [one.removeprefix("CAP_").lower() for one in service["AmbientCapabilities"].split()]
    given = ",".join(["-all", *(f"+{one}" for one in rights)])
    bits = ",".join(f"+{one.replace('-', '_')}" for one in service.get("SecureBits", "").split())
    become = [
        "setpriv", "--reuid", str(person.pw_uid), "--regid", str(person.pw_gid), "--clear-groups",
        "--inh-caps", given, "--ambient-caps", given, "--bounding-set", given, "--no-new-privs",
        *(["--securebits", bits] if bits else []),
    ]  # fmt: skip
    child = subprocess.Popen(  # noqa: S603
        [*become, *shlex.split(service["ExecStart"])],
        env=settings, cwd=service["WorkingDirectory"], umask=int(service["UMask"], 8),
        stdin=subprocess.DEVNULL, stdout=log.open("ab"), stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    (RUN / name).write_text(str(child.pid))


def alive(name: str) -> int:
    try:
        pid = int((RUN / name).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return 0
    return pid


def stop(name: str) -> None:
    if name == "nginx":
        subprocess.run(["/usr/sbin/nginx", "-s", "stop"], check=False, stderr=subprocess.DEVNULL)
        time.sleep(1)
        return
    name = name if "." in name else f"{name}.service"
    while pid := alive(name):
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.5)


main()
