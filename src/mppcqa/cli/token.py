"""``mppcqa token``: what the computers of stations show the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django


@click.group()
def token() -> None:
    """Make, list and take back the tokens of stations."""


@token.command()
@click.argument("station")
@click.option("--days", default=365.0, show_default=True, help="Days until it ends.")
@click.option("--note", default="", help="What people tell it by.")
@click.option("--to", type=click.Path(path_type=Path), help="File to write it to, for its owner.")
def make(station: str, days: float, note: str, to: Path | None) -> None:
    """Make a token for STATION. It is shown this once; only a hash of it is kept."""
    setup_django()
    from mppcqa.disk import whole_file
    from mppcqa.refused import Refused
    from mppcqa.runs.actions import keep_station
    from mppcqa.runs.station_tokens import make_token

    found = _station(station)
    if not found.remote:
        click.confirm(f"{found} is served by workers. Serve it by a token instead?", abort=True)
        found.remote = True
        keep_station(found)
    try:
        row, text = make_token(found, days, note=note)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    if to is None:
        click.echo(text)
    else:
        with whole_file(to) as part:
            part.write_text(text + "\n")
    click.echo(f"counts until {row.ends_at:%Y-%m-%d %H:%M} UTC", err=True)


@token.command(name="list")
@click.argument("station", required=False)
def list_(station: str | None) -> None:
    """List the tokens of STATION, or of all."""
    setup_django()
    from mppcqa.runs.models import StationToken

    rows = StationToken.objects.select_related("station")
    if station:
        rows = rows.filter(station=_station(station))
    for row in rows:
        used = (
            f"used {row.used_at:%Y-%m-%d %H:%M} from {row.used_from}" if row.used_at else "unused"
        )
        state = "taken back" if row.revoked_at else "counts" if row.counts else "ended"
        parts = (f"{row.pk}", row.station.name, f"{row.begins}…", state, used, row.note)
        click.echo(f"{row.ends_at:%Y-%m-%d}  " + "  ".join(filter(None, parts)))


@token.command()
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Take back the token with this NUMBER (`mppcqa token list`): it opens nothing more."""
    setup_django()
    from mppcqa.runs.models import StationToken
    from mppcqa.runs.station_tokens import take_back

    row = StationToken.objects.filter(pk=number).first()
    if row is None:
        raise click.ClickException(f"there is no token {number}; see mppcqa token list")
    click.echo("taken back" if take_back(row) else "it was taken back before")


def _station(name: str) -> Any:
    from mppcqa.runs.models import Station

    found = Station.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Station.objects.values_list("name", flat=True)[:50]) or "none yet"
        raise click.ClickException(f"There is no station {name!r}. Stations: {known}.")
    return found
