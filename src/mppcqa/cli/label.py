"""``mppcqa label``: labels with codes as a file."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli.asking import Asked, asks, pairs, together


@click.command()
@click.argument("serials", nargs=-1)
@click.option("--tray", default="", help="Of all devices in a tray.")
@click.option("--station", default="", help="Of a station, its slots and actions.")
@click.option("--shipment", default="", help="Of the box with this number.")
@click.option("--what", default="", help="Which of them, such as tray,devices.")
@click.option("--on", "size", default="", help="Sheet (L7651 …), own, tape or zpl.")
@click.option("--size", "lengths", default="", help="Of a label of own size: 40x20 [mm].")
@click.option("--start", default="", help="First free label of the sheet, from 1.")
@click.option("--set", "more", multiple=True, callback=pairs, help="NAME=VALUE: as /labels has it.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; labels.pdf (or .zpl) without.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@asks
def label(
    asked: Asked,
    serials: tuple[str, ...],
    lengths: str,
    more: dict[str, str],
    output: Path | None,
    force: bool,
    **said: str,
) -> None:
    """Write labels of devices (SERIALS), a tray, a station, a box, or of actions without any."""
    sizes = {}
    if lengths:
        width, sign, height = lengths.lower().partition("x")
        if not sign:
            raise click.BadParameter(f"{lengths!r} is not WIDTHxHEIGHT in mm, such as 40x20")
        sizes = {"width": width, "height": height}
    said = together({"serials": ",".join(serials), **said, **sizes}, more)
    path = output or Path("labels.zpl" if said.get("size") == "zpl" else "labels.pdf")
    if path.exists() and not force:
        raise click.ClickException(f"{path} is there: say another --output, or --force")
    asked.client.labels(path, **said)
    asked.tell({"file": str(path)}, str(path))
