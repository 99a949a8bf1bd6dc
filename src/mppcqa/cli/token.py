"""``mppcqa token``: what the programs of persons and the computers of stations show the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django, tell_only_words
from mppcqa.cli.answers import json_option, json_text
from mppcqa.cli.tables import echo


@click.group()
def token() -> None:
    """Make, list and take back the tokens of stations and of persons."""


@token.command()
@click.argument("station", required=False)
@click.option("--user", help="Make it for this person instead of a station.")
@click.option("--write", is_flag=True, help="A person's token may change, not only read.")
@click.option("--days", default=365.0, show_default=True, help="Days until it ends.")
@click.option("--note", default="", help="What people tell it by.")
@click.option("--to", type=click.Path(path_type=Path), help="File to write it to, for its owner.")
@json_option()
def make(
    station: str | None,
    user: str | None,
    write: bool,
    days: float,
    note: str,
    to: Path | None,
    as_json: bool,
) -> None:
    """Make a token for STATION, or for a person. It is shown this once; a hash of it is kept."""
    setup_django()
    tell_only_words()
    from mppcqa.disk import whole_file
    from mppcqa.refused import Refused

    if (station is None) == (user is None):
        raise click.UsageError("name a STATION, or a person with --user")
    if write and user is None:
        raise click.UsageError("--write is for a person: what a station may is always the same")
    try:
        if user is not None:
            from mppcqa.people import person_tokens

            row, text = person_tokens.make_token(_user(user), days, writes=write, note=note)
        else:
            row, text = _for_station(str(station), days, note)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    if to is not None:
        with whole_file(to) as part:
            part.touch(mode=0o600)
            part.write_text(text + "\n")
    if as_json:
        where = {"token": text} if to is None else {"file": str(to)}
        echo(json_text({**where, "ends_at": row.ends_at.isoformat(timespec="seconds")}), lines=True)
        return
    if to is None:
        echo(text)
    echo(f"counts until {row.ends_at:%Y-%m-%d %H:%M} UTC", err=True)


def _for_station(name: str, days: float, note: str) -> Any:
    from mppcqa.runs.actions import save_station
    from mppcqa.runs.station_tokens import make_token

    found = _station(name)
    if not found.remote:
        click.confirm(f"{found} is served by workers. Serve it by a token instead?", abort=True)
        found.remote = True
        save_station(found)
    return make_token(found, days, note=note)


@token.command(name="list")
@click.argument("station", required=False)
@click.option("--user", help="Only the tokens of this person.")
@json_option()
def list_(station: str | None, user: str | None, as_json: bool) -> None:
    """List the tokens of STATION, of a person, or of all; what `revoke` takes stands first."""
    setup_django()
    from mppcqa.people.models import PersonToken
    from mppcqa.runs.models import StationToken

    stations: Any = StationToken.objects.select_related("station")
    persons: Any = PersonToken.objects.select_related("user")
    if station:
        stations, persons = stations.filter(station=_station(station)), []
    if user:
        persons = PersonToken.objects.filter(user=_user(user)).select_related("user")
        stations = stations if station else []
    if as_json:
        found = [{**_facts(f"{row.pk}", row), "station": row.station.name} for row in stations]
        found += [
            {**_facts(f"p{row.pk}", row), "user": row.user.get_username(), "writes": row.writes}
            for row in persons
        ]
        echo(json_text(found), lines=True)
        return
    for row in stations:
        echo(_line(f"{row.pk}", row, row.station.name))
    for row in persons:
        may = "reads and changes" if row.writes else "only reads"
        echo(_line(f"p{row.pk}", row, f"{row.user}, {may}"))


def _facts(number: str, row: Any) -> dict[str, Any]:
    used = row.used_at.isoformat(timespec="seconds") if row.used_at else None
    return {
        "number": number,
        "begins": row.begins,
        "state": _state(row),
        "ends_at": row.ends_at.isoformat(timespec="seconds"),
        "used_at": used,
        "note": row.note,
    }


def _state(row: Any) -> str:
    return "taken back" if row.revoked_at else "counts" if row.counts else "ended"


def _line(number: str, row: Any, whose: str) -> str:
    used = f"used {row.used_at:%Y-%m-%d %H:%M} from {row.used_from}" if row.used_at else "unused"
    parts = (number, whose, f"{row.begins}…", _state(row), used, row.note)
    return f"{row.ends_at:%Y-%m-%d}  " + "  ".join(filter(None, parts))


@token.command()
@click.argument("number")
def revoke(number: str) -> None:
    """Take back the token with this NUMBER (`mppcqa token list`): it opens nothing more."""
    setup_django()
    from mppcqa.people.models import PersonToken
    from mppcqa.people.tokens import take_back
    from mppcqa.runs.models import StationToken

    kind: Any = PersonToken if number.startswith("p") else StationToken
    digits = number.removeprefix("p")
    row = kind.objects.filter(pk=int(digits)).first() if digits.isdecimal() else None
    if row is None:
        raise click.ClickException(f"there is no token {number}; see mppcqa token list")
    echo("taken back" if take_back(row) else "it was taken back before")


def _user(name: str) -> Any:
    from django.contrib.auth.models import User

    found = User.objects.filter(username=name).first()
    if found is None:
        raise click.ClickException(f"There is no account {name!r}; see mppcqa user list.")
    return found


def _station(name: str) -> Any:
    from mppcqa.runs.models import Station

    found = Station.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Station.objects.values_list("name", flat=True)[:50]) or "none yet"
        raise click.ClickException(f"There is no station {name!r}. Stations: {known}.")
    return found
