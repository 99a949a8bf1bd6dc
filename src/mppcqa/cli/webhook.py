"""``mppcqa webhook``: programs that are told what happens here."""

from __future__ import annotations

import json
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import add_row, echo
from mppcqa.cli.tables import show as show_table

EVENTS = "run.ended, verdicts.changed, task.failed, shipment.sent, alarm.raised, station.silent"


@click.group()
def webhook() -> None:
    """Make, list, try and remove webhooks, and see what they were told."""


@webhook.command()
@click.argument("title")
@click.argument("url")
@click.option("--user", required=True, help="Whose it is: it tells what this person sees.")
@click.option("--event", "events", multiple=True, required=True, help=f"One or more of: {EVENTS}.")
def make(title: str, url: str, user: str, events: tuple[str, ...]) -> None:
    """Make a webhook TITLE that tells URL. Its secret is shown this once."""
    setup_django()
    from django.contrib.auth.models import User

    from mppcqa.exchange.hooks import actions
    from mppcqa.exchange.hooks.models import RIGHT
    from mppcqa.refused import Refused

    owner = User.objects.filter(username=user).first()
    if owner is None or not owner.has_perm(RIGHT):
        raise click.ClickException(
            f"{user!r} is nobody who may make webhooks; see mppcqa user list."
        )
    try:
        row, secret = actions.make(owner, title, url, events)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    echo(secret)
    echo(f"webhook {row.pk} is in use", err=True)


@webhook.command(name="list")
@json_option()
def list_(as_json: bool) -> None:
    """List all webhooks."""
    setup_django()
    from rich.table import Table

    from mppcqa.exchange.hooks.models import Webhook

    rows = list(Webhook.objects.visible_to(None).select_related("owner"))
    if as_json:
        names = ("title", "url", "events", "active", "off_why")
        found = [{"id": row.pk, "owner": row.owner.get_username(),
                  **{name: getattr(row, name) for name in names}} for row in rows]  # fmt: skip
        echo(json.dumps(found, indent=1), lines=True)
        return
    table = Table("number", "name", "address", "events", "owner", "state")
    for row in rows:
        state = "in use" if row.active else f"off: {row.off_why or 'by hand'}"
        parts = (row.title, row.url, ", ".join(row.events), str(row.owner), state)
        add_row(table, str(row.pk), *parts)
    show_table(table)


@webhook.command()
@click.argument("number", type=int)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many."
)
def told(number: int, limit: int) -> None:
    """What the webhook with this NUMBER was told, the newest first, and what became of it."""
    row = _find(number)
    from rich.table import Table

    table = Table("when", "id", "event", "state", "tries", "answer")
    for one in row.deliveries.all()[:limit]:
        said = f"{one.status or ''} {one.answer[:60]}".strip()
        when = f"{one.made_at:%Y-%m-%d %H:%M:%S}"
        add_row(table, when, str(one.uuid), one.event, one.state, str(one.tries), said)
    show_table(table)


@webhook.command()
@click.argument("number", type=int)
def test(number: int) -> None:
    """Have a worker send something harmless."""
    row = _find(number)
    from mppcqa.exchange.hooks import actions

    echo(_done(lambda: actions.send_test(row).uuid))


@webhook.command()
@click.argument("number", type=int)
def renew(number: int) -> None:
    """Make another secret, shown this once; for a day the former one signs as well."""
    row = _find(number)
    from mppcqa.exchange.hooks import actions

    echo(actions.renew(row))


@webhook.command()
@click.argument("number", type=int)
@click.argument("state", type=click.Choice(["on", "off"]))
def switch(number: int, state: str) -> None:
    """Switch the webhook with this NUMBER on or off; on again it tells what waited."""
    row = _find(number)
    from mppcqa.exchange.hooks import actions

    _done(lambda: actions.change(row, active=state == "on"))
    echo(f"webhook {number} is {state}")


@webhook.command()
@click.argument("number", type=int)
def remove(number: int) -> None:
    """Remove the webhook with this NUMBER, and what it was told."""
    _find(number).delete()
    echo("removed")


def _find(number: int) -> Any:
    setup_django()
    from mppcqa.exchange.hooks.models import Webhook

    found = Webhook.objects.visible_to(None).filter(pk=number).first()
    if found is None:
        raise click.ClickException(f"There is no webhook {number}; see mppcqa webhook list.")
    return found


def _done(act: Any) -> Any:
    from mppcqa.refused import Refused

    try:
        return act()
    except Refused as error:
        raise click.ClickException(str(error)) from None
