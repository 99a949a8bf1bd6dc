"""Whether a wheel is whole: unpacked away from the checkout, served, and looked at.

``python tools/try_wheel.py FOLDER`` with the folder that holds the wheel. What it depends on comes
from the environment of the checkout; mppcqa itself, its front-end and its words from the wheel.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

WAIT_S = 180
SPANISH = "Entrar"


def main() -> int:
    [wheel] = Path(sys.argv[1]).glob("mppcqa-*.whl")
    with tempfile.TemporaryDirectory(prefix="mppcqa-wheel-") as name:
        folder = Path(name)
        target = folder / "installed"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        subprocess.run([*pip, str(target), str(wheel)], check=True)  # noqa: S603
        faults = _served(folder, target)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{wheel.name} ({wheel.stat().st_size >> 20} MB) serves pages, looks and words")
    return int(bool(faults))


def _served(folder: Path, target: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(target), "MPPCQA_HOME": str(folder / "home")}
    environment.pop("MPPCQA_DATABASE", None)
    environment.pop("MPPCQA_BROKER", None)
    said = subprocess.run(
        [sys.executable, "-c", "import mppcqa; print(mppcqa.__file__)"],
        env=environment, cwd=folder, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if not said.startswith(str(target)):
        return [f"mppcqa was imported from {said.strip()}, not from the wheel"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mppcqa.cli", "run", "--port", str(port), "--no-demo"]
    log = (folder / "run.log").open("wb")
    server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)  # noqa: S603
    try:
        return _looked_at(f"http://127.0.0.1:{port}", server, folder / "run.log")
    finally:
        server.terminate()
        server.wait(WAIT_S)
        log.close()


def _looked_at(address: str, server: subprocess.Popen[bytes], log: Path) -> list[str]:
    deadline = time.monotonic() + WAIT_S
    page = ""
    while not page:
        try:
            page = _read(f"{address}/login/").decode()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                return [f"the server did not come up:\n{log.read_text()[-3000:]}"]
            time.sleep(0.5)
    faults = [] if SPANISH in page else ["the page is not in the language that was asked for"]
    linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    if not any("tabler" in one for one in linked):
        faults.append("the page names no style sheet of the component library")
    for one in {*linked, "/static/vendor/vega/vega.js"}:
        try:
            if not _read(address + one):
                faults.append(f"{one} is empty")
        except urllib.error.HTTPError as error:
            faults.append(f"{one}: {error}")
    for one in ("/docs/", "/docs/reference/settings/", "/docs/es/tutorial/"):
        try:
            told = _read(address + one).decode()
        except urllib.error.HTTPError as error:
            faults.append(f"{one}: {error}")
            continue
        if re.search(r'(?:src|href)="https?://', told):
            faults.append(f"{one} leads to another host")
    return faults


def _read(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"Accept-Language": "es"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


if __name__ == "__main__":
    raise SystemExit(main())
