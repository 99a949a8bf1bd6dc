"""``mppcqa load``: what sits in a station, and a run of it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import click

from mppcqa.cli.asking import Asked, asks, cell, pairs
from mppcqa.cli.tables import echo

LOOK_S = 0.5
DRAWN = re.compile(r"\S+ @spectrum\s")
"""Lines of a log that are hundreds of numbers, which pages draw."""


@click.command()
@click.argument("station")
@click.argument("devices", nargs=-1)
@click.option("--unload", is_flag=True, help="First take out what sits in it.")
@click.option("--start", is_flag=True, help="Start a run of what sits in it then.")
@click.option("-p", "parameters", multiple=True, callback=pairs, help="NAME=VALUE of the run.")
@click.option("--override", default="", help="Why it starts although the calibration has ended.")
@click.option("--follow", is_flag=True, help="Show the run's log, wait for its end.")
@click.option("--unload-after", is_flag=True, help="Take the devices out once it has ended.")
@asks
def load(
    asked: Asked,
    station: str,
    devices: tuple[str, ...],
    unload: bool,
    start: bool,
    parameters: dict[str, str],
    override: str,
    follow: bool,
    unload_after: bool,
) -> None:
    """Put DEVICES into a STATION: serials from slot 1 on, or each as SLOT=SERIAL.

    Without anything else say what sits in it. With --follow the exit status is 1 where the run did
    not succeed, and the reason is told. The devices stay in it unless --unload-after is said.
    """
    from mppcqa.client import reason_of

    if (parameters or override or follow) and not start:
        raise click.UsageError("-p, --override and --follow are of a run: add --start")
    if unload_after and not follow:
        raise click.UsageError("--unload-after is once the run has ended: add --follow")
    client, asked.counts = asked.client, ("slot", 0)
    if devices:
        instead = {"instead": True} if unload else {}  # one request: all of it is done, or nothing
        found = client.send("stations", station, "load", slots=_slots(devices), **instead)
    elif unload:
        found = client.send("stations", station, "unload")
    else:
        found = client.get("stations", station)
    loaded = ", ".join(f"{one['slot']}={cell(one['serial'])}" for one in found["loaded"])
    if not start:
        asked.tell(found, f"{station}: {loaded or _nothing(client)}")
        return
    given = {key: _value(text) for key, text in parameters.items()}
    run = client.send("stations", station, "runs", parameters=given, override=override)
    if not follow:
        asked.tell(run, f"run {run['id']} of {loaded} was asked for")
        return
    run = _followed(asked, run)
    why = reason_of(run)
    asked.tell(run, f"run {run['id']}: {run['state']}" + (f"\n{why}" if why else ""))
    if unload_after:
        client.send("stations", station, "unload")
    if run["state"] != "succeeded":
        raise SystemExit(1)


def _nothing(client: Any) -> str:
    """Who sees some devices alone does not learn whether others sit there."""
    me = client.me()
    return "nothing that you see" if me["institute"] or me["campaign"] else "empty"


def _followed(asked: Asked, run: Any) -> Any:
    from mppcqa.client import ENDED

    for line in asked.client.log(run["tasks"][0]["id"]):
        if not DRAWN.match(line):
            echo(line, err=asked.as_json)
    while (found := asked.client.told_run(run["id"]))["state"] not in ENDED:
        time.sleep(LOOK_S)
    return found


def _slots(devices: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, one in enumerate(devices, 1):
        slot, sign, serial = one.partition("=")
        key, device = (slot, serial) if sign and slot.isdecimal() else (str(number), one)
        if key in found:
            raise click.UsageError(f"slot {key} is named twice")
        found[key] = device
    return found


def _value(text: str) -> Any:
    """A number, a list, a truth value, or else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
