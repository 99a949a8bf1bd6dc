"""``mppcqa ship``: boxes, packed and received."""

from __future__ import annotations

from typing import Any

import click

from mppcqa.cli.asking import Asked, asks, cell, pairs


@click.group()
def ship() -> None:
    """Pack boxes, receive them, show them. A box is sent at its page, where a person signs."""


@ship.command(name="list")
@click.option("--state", default="", help="packed, under_way or received.")
@asks
def list_(asked: Asked, state: str) -> None:
    """List shipments, the newest first."""
    asked.tell_rows(asked.client.listed("shipments", state=state))


@ship.command()
@click.argument("number", type=int)
@asks
def show(asked: Asked, number: int) -> None:
    """What is in the shipment with this NUMBER, and when it was sent and received."""
    _tell(asked, asked.client.get("shipments", number))


@ship.command()
@click.argument("serials", nargs=-1, required=True)
@click.option("--from", "origin", default="", help="Institute that sends it.")
@click.option("--to", "destination", default="", help="Institute that it goes to.")
@click.option("--into", type=int, help="Number of a box that is not sent, for these as well.")
@click.option("--reference", default="", help="What the carrier calls it.")
@click.option("--note", default="", help="A remark.")
@click.option("--exempt", default="", help="Why failed or held ones may go: return or allowed.")
@click.option("--exempt-why", default="", help="And in words.")
@asks
def pack(asked: Asked, serials: tuple[str, ...], into: int | None, **said: str) -> None:
    """Pack devices into a new box or one more; SERIALS may name trays. All are packed, or none."""
    if into is not None:
        if given := [name for name, text in said.items() if text]:
            raise click.UsageError(f"the box has been packed before: leave out {', '.join(given)}")
        found = asked.client.send("shipments", into, "pack", serials=list(serials))
    elif said["origin"] and said["destination"]:
        found = asked.client.send("shipments", serials=list(serials), **said)
    else:
        raise click.UsageError("say --from and --to, or --into which box")
    _tell(asked, found)


@ship.command()
@click.argument("number", type=int)
@click.argument("serials", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that is in it.")
@asks
def unpack(asked: Asked, number: int, serials: tuple[str, ...], every: bool) -> None:
    """Take SERIALS, or --all, out of the box with this NUMBER. An empty box is none any more."""
    if bool(serials) == every:
        raise click.UsageError("name SERIALS, or say --all")
    found = asked.client.send("shipments", number, "unpack", serials=list(serials))
    gone = f"; box {number} was empty then and is no more" if found.get("gone") else ""
    asked.tell(found, f"{found['unpacked']} taken out{gone}")


@ship.command()
@click.argument("number", type=int)
@click.argument("serials", nargs=-1)
@click.option("--damaged", multiple=True, callback=pairs, help="SERIAL=WHAT is wrong with it.")
@click.option("--missing", is_flag=True, help="What is not named did not come.")
@click.option("--others", is_flag=True, help="What does not belong to it came along.")
@asks
def receive(
    asked: Asked,
    number: int,
    serials: tuple[str, ...],
    damaged: dict[str, str],
    missing: bool,
    others: bool,
) -> None:
    """Receive the shipment with this NUMBER: SERIALS are what was in the box, one at least.

    Differences are refused where neither --missing nor --others says that they are known.
    """
    found = asked.client.send(
        "shipments", number, "receive", serials=list(serials), damaged=damaged,
        missing_is_known=missing, others_are_known=others,
    )  # fmt: skip
    _tell(asked, found)


def _tell(asked: Asked, found: dict[str, Any]) -> None:
    lines = (f"{cell(name):>12}  {text}" for name, one in found.items() if (text := cell(one)))
    asked.tell(found, "\n".join(lines))
