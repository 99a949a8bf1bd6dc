"""``mppcqa deployment``: the files that a server needs, filled in."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import click

import mppcqa
from mppcqa.cli.tables import echo
from mppcqa.disk import whole_folder

USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
SERVICES = {
    "web": ("the pages", "web --host $web_host --port $web_port", "60"),
    "worker": ("runs tasks", "worker --concurrency 2", "300"),
    "scheduler": ("starts what runs at set times", "scheduler", "30"),
    "bell": ("wakes stations", "bell --host $bell_host --port $bell_port", "30"),
    "fitter": ("fits spectra anew on their pages", "fitter", "10"),
}
"""Name of a service -> what it does, its arguments, and seconds in which it may stop by itself."""
NO_RIGHTS = "CapabilityBoundingSet=\nAmbientCapabilities="
BECOMES = """\
# It starts test programs as another user, and has the rights for that and no other. To be root
# gives no right of root's here, yet who took over this service could act as any user of this
# computer, by their files and sockets. What would lead on from there is closed.
CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL
AmbientCapabilities=CAP_SETUID CAP_SETGID CAP_KILL
SecureBits=noroot noroot-locked
InaccessiblePaths=-/etc/shadow -/etc/gshadow -/etc/ssh -/root -$key \
 -/run/dbus -/run/systemd/private -/run/docker.sock -/run/mysqld"""
SECRET, OPEN, PROGRAM = 0o600, 0o644, 0o755


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--url", required=True, help="Address of the pages: https://qa.example.org")
@click.option("--web", default="127.0.0.1:8000", show_default=True, help="Where pages listen.")
@click.option("--bell", default="127.0.0.1:8001", show_default=True, help="Where the bell does.")
@click.option(
    "--certificate", default="/etc/mppcqa/tls.crt", show_default=True, help="Of the host, for TLS."
)
@click.option("--key", default="/etc/mppcqa/tls.key", show_default=True, help="Its private key.")
@click.option(
    "--program-user",
    default="",
    help="User for stations' test programs, whose home is /var/lib/NAME.",
)
def deployment(
    folder: Path, url: str, web: str, bell: str, certificate: str, key: str, program_user: str
) -> None:
    """Write what a server needs: systemd units, nginx, settings, accounts, containers.

    With new random passwords; `docs/deployment.md` says where each file goes. A folder that is
    there is left as it is: its passwords may be in use.
    """
    host = _host_of(url)
    if (program_user and not USER.fullmatch(program_user)) or program_user in ("root", "mppcqa"):
        raise click.BadParameter(
            "is a user of their own: letters, digits and dashes, not root, not mppcqa itself",
            param_hint="--program-user",
        )
    if folder.exists():
        raise click.ClickException(
            f"{folder} exists. Name a new folder: passwords that are in use stand in the old."
        )
    given = {
        "url": url.rstrip("/"), "host": host, "web": web, "bell": bell,
        "certificate": certificate, "key": key, "version": mppcqa.__version__,
        "program_user": program_user,
        "program": str(Path(sys.prefix) / "bin" / "mppcqa"),
    }  # fmt: skip
    with whole_folder(folder) as part:
        part.chmod(0o700)
        for name, text, mode in _files(given):
            path = part / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(mode=mode)
            path.chmod(mode)
            path.write_text(text)
            echo(str(folder / name))


def _host_of(url: str) -> str:
    """The name in an address; refuses what nobody can reach by TLS."""
    parts = urlsplit(url)
    odd = parts.path.strip("/") or parts.query or parts.username or parts.port
    if parts.scheme != "https" or not parts.hostname or odd:
        raise click.BadParameter(
            "is an address such as https://qa.example.org: https, a name, nothing behind it",
            param_hint="--url",
        )
    return parts.hostname


def _files(given: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """Name, text and mode of each file."""
    yield from _servers(given)
    yield from _containers(given)
    yield "nginx.conf", _filled("nginx.conf", given), OPEN
    yield "mppcqa.sh", _filled("mppcqa.sh", given), PROGRAM
    names = " ".join(f"mppcqa-{name}.service" for name in SERVICES)
    yield "mppcqa.target", _filled("mppcqa.target", {"services": names}), OPEN
    for name, (what, arguments, patience) in SERVICES.items():
        places = {}
        for place in ("web", "bell"):
            places[f"{place}_host"], _colon, places[f"{place}_port"] = given[place].rpartition(":")
        arguments = Template(arguments).substitute(places)
        becomes = name == "worker" and given["program_user"]
        told = given | {"what": what, "arguments": arguments, "patience": patience}
        told["rights"] = Template(BECOMES).substitute(given) if becomes else NO_RIGHTS
        told["writes"] = f" /var/lib/{given['program_user']}" if becomes else ""
        yield f"mppcqa-{name}.service", _filled("service.in", told), OPEN


def _servers(given: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """Settings and accounts for servers on this machine."""
    words = {"database": _secret(), "broker": _secret()}
    yield "mppcqa.env", _settings(given, words, "127.0.0.1", "127.0.0.1"), SECRET
    yield "database.sql", _filled("database.sql", {"password": words["database"]}), SECRET
    yield "broker.sh", _filled("broker.sh", {"password": words["broker"]}), SECRET


def _containers(given: dict[str, str]) -> Iterator[tuple[str, str, int]]:
    """The same for containers, whose servers make the accounts themselves."""
    words = {"database": _secret(), "broker": _secret()}
    yield "compose/compose.yaml", _filled("compose.yaml", given), OPEN
    alone = given | {"program_user": ""}  # where nobody has a right to become another user
    yield "compose/mppcqa.env", _settings(alone, words, "database", "broker"), SECRET
    database = {
        "MARIADB_ROOT_PASSWORD": _secret(),
        "MARIADB_DATABASE": "mppcqa",
        "MARIADB_USER": "mppcqa",
        "MARIADB_PASSWORD": words["database"],
    }
    broker = {
        "RABBITMQ_DEFAULT_VHOST": "mppcqa",
        "RABBITMQ_DEFAULT_USER": "mppcqa",
        "RABBITMQ_DEFAULT_PASS": words["broker"],
    }
    for name, told in (("database", database), ("broker", broker)):
        lines = (f"{key}='{value}'\n" for key, value in told.items())
        yield f"compose/{name}.env", "".join(lines), SECRET


def _settings(given: dict[str, str], words: dict[str, str], database: str, broker: str) -> str:
    places = {
        "database": f"mysql://mppcqa:{words['database']}@{database}:3306/mppcqa",
        "broker": f"amqp://mppcqa:{words['broker']}@{broker}:5672/mppcqa",
    }
    user = given["program_user"]
    named = {"program_user": f"MPPCQA_PROGRAM_USER='{user}'\n" if user else ""}
    return _filled("mppcqa.env", given | places | named)


def _secret() -> str:
    """A password of letters, digits, - and _, which no file here has to escape."""
    return secrets.token_urlsafe(24)


def _filled(name: str, given: dict[str, str]) -> str:
    text = (resources.files("mppcqa.cli") / "deployed" / name).read_text()
    return Template(text).substitute(given)
