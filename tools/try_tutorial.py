"""Does all that the tutorial says, in both languages: commands are run, pictures are taken.

``python tools/try_tutorial.py`` runs it away from the checkout and fails where a command fails, a
page is not as told, or a word in bold stands on no page; ``--draw`` puts the pictures into
``docs/pictures/tutorial`` and ``docs/es/pictures/tutorial``. Blocks that install the package are
left to ``tools/try_wheel.py``: here it is the one of this environment.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
DOCS = {"en": ROOT / "docs", "es": ROOT / "docs" / "es"}
PART = re.compile(
    r"```bash\n(?P<block>.*?)```|!\[[^]]*\]\(pictures/tutorial/(?P<name>\w+)\.png\)", re.S
)
BOLD = re.compile(r"\*\*([^*]+)\*\*")
SIZE = {"width": 1200, "height": 720}
PASSWORD = "finger-spectrum-9"  # noqa: S105 - of an installation that is deleted at once
WAIT_S = 600


class Tutorial:
    """One reading of the tutorial."""

    def __init__(self, language: str, folder: Path, pictures: Path) -> None:
        self.language, self.folder, self.pictures = language, folder, pictures
        self.text = (DOCS[language] / "tutorial.md").read_text(encoding="utf-8")
        self.seen = ""
        self.printed = ""
        self.server: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MPPCQA_")}
        path = f"{Path(sys.executable).parent}:{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "PWD": str(folder)}

    def read(self, page: Page) -> None:
        """From the first line to the last."""
        for part in PART.finditer(self.text):
            if part["name"]:
                STEPS[part["name"]](self, page)
            else:
                self.run(part["block"])
        for words in BOLD.findall(self.text):
            if words.casefold() not in self.seen:
                raise SystemExit(f"{self.language}: no page says “{words}”")

    def run(self, block: str) -> None:
        """A block of commands; a server goes on beside."""
        if "pip install" in block:
            return
        for line in [one for one in block.splitlines() if one.startswith("export ")]:
            name, _equal, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value.replace("$PWD", str(self.folder))
        if "mppcqa run" in block:
            log = (self.folder / "server.log").open("wb")
            command = ["mppcqa", "run", "--no-demo", "--port", str(self.port)]
            self.server = subprocess.Popen(  # noqa: S603
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
            return
        done = subprocess.run(  # noqa: S603
            ["/bin/bash", "-euc", block],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{block}\nfailed:\n{done.stdout}{done.stderr}")
        self.printed = done.stdout

    def code(self) -> str:
        """What the first account is asked for, once the server answers."""
        path = self.folder / "campaign" / "first-code.txt"
        self.until(lambda: path.is_file() and self._answers(), "the server answers")
        return path.read_text().strip()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def until(self, there: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not there():
            if time.monotonic() > deadline or (self.server and self.server.poll() is not None):
                log = (self.folder / "server.log").read_text()[-3000:]
                raise SystemExit(f"{what}: not so\n{log}")
            time.sleep(0.5)

    def look(self, page: Page, place: str) -> None:
        """Open a page, and keep what it says."""
        page.goto(self.address + place)
        self.keep(page)

    def keep(self, page: Page) -> None:
        self.seen += page.locator("body").inner_text().casefold()

    def shoot(self, page: Page, name: str) -> None:
        """Take a picture as a reader would see it."""
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        self.keep(page)
        self.pictures.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=self.pictures / f"{name}.png")

    def stop(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait(WAIT_S)


def first(read: Tutorial, page: Page) -> None:
    page.goto(f"{read.address}/welcome/first/?code={read.code()}")
    page.fill("input[name=password]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    read.shoot(page, "first")
    page.press("input[name=again]", "Enter")
    page.wait_for_url(f"{read.address}/")
    read.keep(page)


def kind(read: Tutorial, page: Page) -> None:
    read.look(page, "/catalogue/")
    read.look(page, "/catalogue/types/")
    read.look(page, "/catalogue/types/new/")
    for name, value in {"name": "S12045(X)", "rows": "4", "columns": "4"}.items():
        page.fill(f"[name={name}]", value)
    page.fill("[name=nominal_breakdown_v]", "70")
    read.shoot(page, "type")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/catalogue/types/")


def devices(read: Tutorial, page: Page) -> None:
    read.look(page, "/devices/")
    page.get_by_role("link", name="A-002").wait_for()
    read.shoot(page, "devices")


def station(read: Tutorial, page: Page) -> None:
    read.look(page, "/catalogue/stations/")
    read.look(page, "/catalogue/stations/new/")
    page.fill("[name=name]", "bench-1")
    page.select_option("[name=stage]", "iv")
    page.fill("[name=slots]", "2")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/catalogue/stations/")
    read.look(page, "/stations/bench-1/")
    page.fill("[name=slot-1]", "A-001")
    page.fill("[name=slot-2]", "A-002")
    page.locator("button[form=load-form]").click()
    page.get_by_role("link", name="A-002").first.wait_for()
    read.shoot(page, "station")


def run(read: Tutorial, page: Page) -> None:
    page.locator("form[action$='/start/'] button[type=submit]").click()
    page.wait_for_url("**/runs/*/")
    page.locator(".page-header .state-good").wait_for(timeout=1000 * WAIT_S)
    read.shoot(page, "run")


def device(read: Tutorial, page: Page) -> None:
    read.look(page, "/devices/A-001/")
    page.locator("svg.marks").first.wait_for()
    read.shoot(page, "device")


def sign(read: Tutorial, page: Page) -> None:
    """In a window of its own, by the person of the address that was printed last."""
    found = re.search(r"/welcome/\S+", read.printed)
    if found is None:
        raise SystemExit(f"no address for the second person:\n{read.printed}")
    browser = page.context.browser
    assert browser is not None  # noqa: S101 - by its type alone
    eva = browser.new_context(viewport=SIZE, locale=read.language).new_page()
    eva.goto(read.address + found[0])
    eva.fill("input[name=password]", PASSWORD)
    eva.fill("input[name=again]", PASSWORD)
    eva.press("input[name=again]", "Enter")
    eva.wait_for_url(f"{read.address}/")
    read.look(eva, "/devices/A-001/")
    eva.locator("form[action*='sign'] button[type=submit]").click()
    eva.fill("dialog input[type=password]", PASSWORD)
    read.shoot(eva, "sign")
    eva.locator("dialog button[type=submit]").click()
    eva.locator("main p").filter(has_text="eva").first.wait_for()
    read.keep(eva)


def certificate(read: Tutorial, page: Page) -> None:
    import pypdfium2

    [path] = (read.folder / "certificates").glob("*.pdf")
    document = pypdfium2.PdfDocument(path)
    text = document[0].get_textpage().get_text_bounded()
    if "A-001" not in text:
        raise SystemExit(f"the certificate does not name its device:\n{text}")
    document[0].render(scale=1.1).to_pil().save(read.pictures / "certificate.png", optimize=True)


STEPS: dict[str, Callable[[Tutorial, Page], None]] = {
    "first": first,
    "type": kind,
    "devices": devices,
    "station": station,
    "run": run,
    "device": device,
    "sign": sign,
    "certificate": certificate,
}
"""Picture -> what a reader does up to it."""


def try_it(language: str, *, draw: bool) -> float:
    """Read it in one language; returns the seconds that it took."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mppcqa-tutorial-") as name:
        pictures = Path(name) / "pictures"
        read = Tutorial(language, Path(name), pictures)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_context(viewport=SIZE, locale=language).new_page()
            page.set_default_timeout(120_000)
            try:
                read.read(page)
            finally:
                read.stop()
                browser.close()
        if draw:
            target = DOCS[language] / "pictures" / "tutorial"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(pictures, target)
    return time.monotonic() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--language", choices=[*DOCS], action="append")
    options = parser.parse_args()
    for chosen in options.language or DOCS:
        print(f"{chosen}: {try_it(chosen, draw=options.draw):.0f} s")
