"""``mppcqa export``: filtered lists as CSV, Excel, Parquet or ROOT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

OUTCOMES = ("pass", "warning", "fail", "incomplete", "none")


@click.command()
@click.argument(
    "what", type=click.Choice(["devices", "runs", "values", "fits", "records", "assembly"])
)
@click.argument("output", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--serial", "q", default="", help="How the serial begins.")
@click.option("--type", "kind", default="", help="Name of the device type.")
@click.option("--place", default="", help="Name of the institute where devices are.")
@click.option("--campaign", default="", help="Name of the campaign that devices are in.")
@click.option("--owner", default="", help="Name of the institute that owns devices.")
@click.option("--tray", default="", help="Only devices in this tray.")
@click.option("--lot", default="", help="Only devices of this lot.")
@click.option("--tag", default="", help="Only devices with this tag.")
@click.option("--part-of", default="", help="Serial of what devices are part of, at any depth.")
@click.option("--state", default="", help="Devices in this state, as docs/device-states.md has it.")
@click.option("--stage", default="", help="Devices, runs or values of this stage.")
@click.option("--outcome", type=click.Choice(OUTCOMES), default=None, help="Verdict at the stage.")
@click.option("--station", default="", help="Runs of this station.")
@click.option("--quantity", default="", help="Values of this quantity (its key).")
@click.option("--every", is_flag=True, help="Values of all analyses, not only of what counts.")
def export(what: str, output: Path, kind: str, **asked: Any) -> None:
    """Write a list into OUTPUT; its ending says the format: .csv, .xlsx, .parquet, .root."""
    setup_django()
    from mppcqa.exchange.exports import write_list
    from mppcqa.exchange.writers import ExportRefused, by_suffix
    from mppcqa.inventory.campaign import Campaign
    from mppcqa.inventory.models import DeviceType, Institute

    suffixes = by_suffix()
    form = suffixes.get(output.suffix.lower())
    if form is None:
        raise click.ClickException(
            f"{output}: the ending says the format; it is one of {', '.join(suffixes)}"
        )
    filters = {name: value for name, value in {**asked, "type": kind}.items() if value}
    _refuse_odd(what, filters)
    named = {"type": DeviceType, "place": Institute, "campaign": Campaign, "owner": Institute}
    for name, model in named.items():
        given = filters.get(name)
        if not given:
            continue
        found = model._default_manager.filter(name=given).first()
        if found is None:
            there = ", ".join(model._default_manager.values_list("name", flat=True)) or "none"
            raise click.ClickException(f"no {name} is called {given!r}; there are: {there}")
        filters[name] = str(found.pk)
    try:
        rows = write_list(what, form, output, filters)
    except (ExportRefused, OSError) as error:
        raise click.ClickException(str(error)) from None
    echo(f"{output}: {rows} rows")


def _refuse_odd(what: str, filters: dict[str, str]) -> None:
    """A filter that says nothing of the list, or names what is not there, would be no filter."""
    from mppcqa.inventory.models import Device, Lot, Tag, Tray
    from mppcqa.inventory.serials import normal_serial
    from mppcqa.inventory.states import DeviceState
    from mppcqa.results.models import QuantityRow
    from mppcqa.results.selection import DEVICE_FILTERS
    from mppcqa.runs.models import Station
    from mppcqa.stages import all_stages

    of_devices = {*DEVICE_FILTERS}
    own = {
        "runs": {"stage", "station"},
        **dict.fromkeys(("devices", "fits", "records", "assembly"), of_devices),
    }.get(what, {*DEVICE_FILTERS, "quantity", "every"})
    if odd := sorted(filters.keys() - own):
        names = ", ".join("--" + {"q": "serial"}.get(name, name) for name in odd)
        raise click.ClickException(f"{what} are not chosen by {names}")
    stages = {stage.key for stage in all_stages()}
    stages |= set(QuantityRow.objects.values_list("stage", flat=True))
    keys = set(QuantityRow.objects.values_list("key", flat=True))
    states = set(DeviceState.values)
    for name, there in (("stage", stages), ("quantity", keys), ("state", states)):
        if name in filters and filters[name] not in there:
            raise click.ClickException(
                f"no {name} is called {filters[name]!r}; there are: {', '.join(sorted(there))}"
            )
    whole = normal_serial(filters.get("part_of"))
    if whole and not Device.objects.filter(serial=whole).exists():
        raise click.ClickException(f"no device is called {whole!r}")
    models = {"tray": Tray, "lot": Lot, "tag": Tag, "station": Station}
    for name in models.keys() & filters.keys():
        if not models[name]._default_manager.filter(name=filters[name]).exists():
            raise click.ClickException(f"no {name} is called {filters[name]!r}")
