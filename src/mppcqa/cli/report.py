"""``mppcqa report``: PDF reports into a folder."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django


@click.command()
@click.argument("serials", nargs=-1, required=True)
@click.option(
    "--output",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the PDF files go to; made if need be.",
)
@click.option("--language", type=click.Choice(["en", "es"]), default="en", show_default=True)
def report(serials: tuple[str, ...], output: Path, language: str) -> None:
    """Write the PDF report of each device; SERIALS as printed on the devices."""
    setup_django()
    from django.utils.translation import override

    from mppcqa.inventory.models import Device
    from mppcqa.inventory.serials import normal_serial
    from mppcqa.reports.device import device_report

    wanted = {normal_serial(serial): serial for serial in serials}
    found = {device.serial: device for device in Device.objects.filter(serial__in=wanted)}
    unknown = [typed for serial, typed in wanted.items() if serial not in found]
    if unknown:
        raise click.ClickException(
            f"not registered: {', '.join(unknown)}. Nothing was written; check the serials."
        )
    output.mkdir(parents=True, exist_ok=True)
    for serial, device in found.items():
        path = output / f"{serial}.pdf"
        with override(language):
            path.write_bytes(device_report(device))
        click.echo(path)
