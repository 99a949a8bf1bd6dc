"""``mppcqa sees``: bind a person to what an institute owns, or to a campaign."""

from __future__ import annotations

from typing import Any

import click

from mppcqa.cli import setup_django


@click.command()
@click.argument("user")
@click.option("--owner", help="Only what this institute owns; an empty name for all.")
@click.option("--campaign", help="Only what is in this campaign; an empty name for all.")
def sees(user: str, owner: str | None, campaign: str | None) -> None:
    """Say what USER sees of devices and runs, and change it; without options, only say it."""
    setup_django()
    from mppcqa.inventory.campaign import Campaign
    from mppcqa.inventory.models import Institute, Person

    person = Person.objects.select_related("user").filter(user__username=user).first()
    if person is None:
        raise click.ClickException(f"nobody has the user name {user!r}")
    if owner is not None:
        person.institute = _named(Institute, owner)
    if campaign is not None:
        person.campaign = _named(Campaign, campaign)
    person.save(update_fields=["institute", "campaign"])
    said = [f"owned by {person.institute}"] if person.institute else []
    said += [f"in the campaign {person.campaign}"] if person.campaign else []
    click.echo(f"{user} sees what is {' and '.join(said)}" if said else f"{user} sees all")


def _named(model: Any, name: str) -> Any:
    found = model.objects.filter(name=name).first()
    if name and found is None:
        there = ", ".join(model.objects.values_list("name", flat=True)) or "none yet"
        raise click.ClickException(f"there is no {name!r}; there are: {there}")
    return found
