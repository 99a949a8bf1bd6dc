"""Is ``docs/deployment.md`` true? Each step is run in an empty Debian 12, and the result looked at.

As root, with debootstrap and a network: ``python tools/try_deployment.py FOLDER_WITH_WHEEL``. No
systemd runs in a root folder: a program that reads the units stands for it
(``tools/deployment/systemctl.py``), and what hardens them is checked by ``systemd-analyze`` where
that is there. From the second step on the root has a network of its own, so that it disturbs no
server of this machine.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ROOT / "tools" / "deployment"
STEP = re.compile(r"^## (\d+)\.[^\n]*\n.*?^```sh\n(.*?)^```", re.M | re.S)
PLACES = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SERVERS = """
python3 /opt/loopback.py
install -d -o mysql -g mysql /run/mysqld
mariadbd-safe --user=mysql >/var/log/mariadb.log 2>&1 &
rabbitmq-server -detached
for _ in $(seq 120); do mariadb-admin ping >/dev/null 2>&1 && break; sleep 1; done
# It refuses to wait for a node that is not known yet.
for _ in $(seq 120); do
    rabbitmqctl -q await_startup --timeout 120 2>/dev/null && break
    sleep 1
done
"""
"""On a Debian with systemd these two run once they are installed."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the wheel lies")
    parser.add_argument(
        "--debian", type=Path, help="an empty Debian, made beforehand; it is copied"
    )
    options = parser.parse_args()
    [wheel] = options.folder.glob("mppcqa-*.whl")
    steps = STEP.findall((ROOT / "docs" / "deployment.md").read_text())
    with tempfile.TemporaryDirectory(prefix="mppcqa-debian-") as name:
        root = Path(name) / "root"
        try:
            _empty_debian(root, options.debian)
            _wheels(wheel, root / "wheels")
            (first, script), *others = steps
            print(f"step {first}", flush=True)
            _inside(root, script, network=True)
            later = "\n".join(f"echo step {number}\n{block}" for number, block in others)
            _inside(root, f"{SERVERS}\n{later}\npython3 /opt/look.py\n", network=False)
            _hardened(root)
        except subprocess.CalledProcessError as error:
            print(f"failed: {error}", file=sys.stderr)
            for log in sorted((root / "var/log").glob("mppcqa*.log")):
                print(f"== {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
            return 1
    print("each step of docs/deployment.md ran, and the pages were there")
    return 0


def _empty_debian(root: Path, ready: Path | None) -> None:
    if ready is not None:
        made = ["cp", "-a", str(ready), str(root)]
    else:
        made = ["debootstrap", "--variant=minbase", "bookworm", str(root)]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    with (root / "etc/hosts").open("a") as hosts:
        hosts.write("127.0.0.1 localhost qa.example.org\n")
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    place = root / "usr/local/sbin/systemctl"
    shutil.copy(PARTS / "systemctl.py", place)
    place.chmod(0o755)
    for one in ("look.py", "loopback.py"):
        shutil.copy(PARTS / one, root / "opt" / one)


def _wheels(wheel: Path, folder: Path) -> None:
    """mppcqa and all that it needs, so that the root asks no index."""
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    locked = ["--only-binary", ":all:", "-r", str(ROOT / "requirements.lock"), "-d", str(folder)]
    subprocess.run([*fetch, *locked], check=True)  # noqa: S603
    shutil.copy(wheel, folder)


def _inside(root: Path, script: str, *, network: bool) -> None:
    """Run it as root there, stopping at what fails."""
    apart = ["unshare", "--pid", "--mount", "--uts", "--fork", "--kill-child"]
    apart += [] if network else ["--net"]
    settings = [
        "env", "-i", "HOME=/root", f"PATH={PLACES}",
        "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "PIP_NO_INDEX=1",
        "PIP_FIND_LINKS=/wheels", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_COMPILE=1",
    ]  # fmt: skip
    begin = "set -euo pipefail\nmount -t proc proc /proc\nhostname debian\n"
    # Devices are there within that namespace alone, so that nothing here can be removed with them.
    enter = ["sh", "-c", 'mount --bind /dev "$0/dev" && exec chroot "$0" "$@"', str(root)]
    command = [*apart, *enter, *settings, "bash", "-c", begin + script]
    subprocess.run(command, check=True)  # noqa: S603


def _hardened(root: Path) -> None:
    """The units, as systemd itself understands them."""
    if shutil.which("systemd-analyze") is None:
        return
    units = [str(one) for one in sorted((root / "etc/systemd/system").glob("mppcqa-*.service"))]
    ask = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=25", *units]
    subprocess.run(ask, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    raise SystemExit(main())
