"""Asks every operation of the API what its description allows and forbids, by schemathesis.

``python tools/try_api.py --examples 100`` fills an empty installation with a small campaign, starts
the web server, and sends made-up requests with the token of an administrator, those of stations
with that of a station. Fails where an answer is none that is described, or the server breaks.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = Path(__file__).with_name("schemathesis.toml")
WAIT_S = 300
RATE = "90/s"
FILL = """
import django
django.setup()
from django.contrib.auth.models import User
from tests.campaign import make_campaign
make_campaign(User.objects.create_superuser("checker"))
from mppcqa.runs.models import Station
Station.objects.filter(pk=Station.objects.earliest("pk").pk).update(remote=True)
print(Station.objects.earliest("pk").name)
"""
NOT_CHECKED = "unsupported_method,ignored_auth,use_after_free,ensure_resource_availability"
"""Other methods answer 405 below any address; that a token is needed is tested by the matrix; ids
of made-up things are not kept between requests."""


def _run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(  # noqa: S603
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:80]}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def _served(environment: dict[str, str], log: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with log.open("wb") as said:
        command = [sys.executable, "-m", "gunicorn", "mppcqa.project.wsgi", "--bind", address]
        command += ["--threads", "4", "--timeout", "120", "--limit-request-line", "8190"]
        command += ["--worker-class", "mppcqa.project.refusing.Worker"]
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=said, stderr=said)  # noqa: S603
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            urllib.request.urlopen(f"http://{address}/api/v1/openapi.json", timeout=20).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(
                    f"the server did not come up:\n{log.read_text()[-3000:]}"
                ) from None
            time.sleep(0.5)
        else:
            return server, f"http://{address}"


def _asked(
    address: str, token: str, only: list[str], options: argparse.Namespace, home: Path
) -> int:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    command += ["run", f"{address}/api/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--rate-limit", RATE]
    command += ["--max-examples", str(options.examples), "--seed", str(options.seed)]
    command += ["--exclude-checks", NOT_CHECKED, "--request-timeout", "60", "--continue-on-failure"]
    command += ["--generation-database", "none", "--phases", "examples,coverage,fuzzing"]
    done = subprocess.run([*command, *only], cwd=home, check=False)  # noqa: S603
    return done.returncode


def main() -> int:
    """The persons' part, then the stations'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--only", help="a regular expression of paths")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mppcqa-api-") as name:
        home = Path(name)
        kept = {key: one for key, one in os.environ.items() if not key.startswith("MPPCQA_")}
        environment = {**kept, "MPPCQA_HOME": name, "PYTHONPATH": str(ROOT)}
        environment |= {"DJANGO_SETTINGS_MODULE": "mppcqa.project.settings"}
        mppcqa = [sys.executable, "-m", "mppcqa.cli"]
        _run(environment, *mppcqa, "django", "migrate", "--verbosity", "0")
        station = _run(environment, sys.executable, "-c", FILL).split()[-1]
        tokens = {}
        for who, told in (("person", ["--user", "checker", "--write"]), ("station", [station])):
            _run(environment, *mppcqa, "token", "make", *told, "--to", str(home / who))
            tokens[who] = (home / who).read_text().strip()
        server, address = _served(environment, home / "server.log")
        try:
            stations = "/api/v1/station/"
            persons = ["--exclude-path-regex", stations]
            if options.only:
                persons = ["--include-path-regex", options.only]
            failed = _asked(address, tokens["person"], persons, options, home)
            if not options.only:
                only = ["--include-path-regex", stations]
                failed |= _asked(address, tokens["station"], only, options, home)
        finally:
            server.terminate()
            server.wait(60)
        log = (home / "server.log").read_text()
    broken = re.findall(r"ERROR mppcqa\.api\.problems: (.*)", log)
    for line in dict.fromkeys(broken):
        print(line, file=sys.stderr)
    if broken:
        print(log[-6000:], file=sys.stderr)
    return failed or int(bool(broken))


if __name__ == "__main__":
    raise SystemExit(main())
