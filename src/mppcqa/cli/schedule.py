"""``mppcqa schedule``: what runs at set times."""

from __future__ import annotations

import click

from mppcqa.cli.asking import Asked, asks


@click.group()
def schedule() -> None:
    """Show what runs at set times, switch it, run it now."""


@schedule.command(name="list")
@asks
def list_(asked: Asked) -> None:
    """List schedules with when they ran and run next."""
    asked.tell_rows(asked.client.listed("schedules"))


@schedule.command()
@click.argument("number", type=int)
@asks
def on(asked: Asked, number: int) -> None:
    """Switch the schedule with this NUMBER on; what was missed is not made up for."""
    _switch(asked, number, True)


@schedule.command()
@click.argument("number", type=int)
@asks
def off(asked: Asked, number: int) -> None:
    """Switch the schedule with this NUMBER off."""
    _switch(asked, number, False)


@schedule.command()
@click.argument("number", type=int)
@asks
def now(asked: Asked, number: int) -> None:
    """Ask at once for what the schedule with this NUMBER runs."""
    made = asked.client.send("schedules", number, "now")
    task = made["task"]
    asked.tell(made, "done" if task is None else f"task {task} was asked for")


def _switch(asked: Asked, number: int, enabled: bool) -> None:
    row = asked.client.send("schedules", number, "switch", enabled=enabled)
    asked.tell(row, f"{row['title']}: {'on' if row['enabled'] else 'off'}")
