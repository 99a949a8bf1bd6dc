"""``mppcqa user``: accounts, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from mppcqa.cli import setup_django, tell_only_words
from mppcqa.cli.answers import json_option, json_text
from mppcqa.cli.tables import echo


def _told(function: Callable[..., None]) -> Callable[..., None]:
    """What an action refuses is a message, not a traceback."""

    @wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> None:
        setup_django()
        tell_only_words()
        from mppcqa.refused import Refused

        try:
            function(*arguments, **named)
        except Refused as error:
            raise click.ClickException(str(error)) from None

    return wrapped


@click.group()
def user() -> None:
    """Invite people, change what they may do and see, keep them out."""


@user.command(name="list")
@json_option()
@_told
def list_(as_json: bool) -> None:
    """List accounts: role, what each is bound to, last log-in."""
    from django.contrib.auth.models import User

    rows = User.objects.select_related("person__institute", "person__campaign")
    found = [_facts(row) for row in rows.prefetch_related("groups").order_by("username")]
    if as_json:
        echo(json_text(found), lines=True)
        return
    for one in found:
        last = one["last_here"]
        stands = (
            "kept out" if not one["active"]
            else "has no password yet" if not one["has_password"]
            else f"last here {last[:16].replace('T', ' ')} UTC" if last
            else None
        )  # fmt: skip
        role = one["role"] or "rights of its own"
        parts = (one["name"], role, one["institute"], one["campaign"], stands)
        echo("  ".join(filter(None, parts)))


def _facts(row: Any) -> dict[str, Any]:
    """An account, as ``--json`` tells it."""
    from mppcqa.people.actions import waits_for_password
    from mppcqa.people.roles import role_of

    role, person = role_of(row), row.person
    return {
        "name": row.get_username(),
        "role": role.key if role else None,
        "institute": str(person.institute) if person.institute else None,
        "campaign": str(person.campaign) if person.campaign else None,
        "active": row.is_active,
        "has_password": not waits_for_password(row),
        "last_here": row.last_login.isoformat(timespec="seconds") if row.last_login else None,
    }


@user.command()
@_told
def directory() -> None:
    """Ask the LDAP directory for all who log in by it, and keep out who is gone from there.

    A log-in asks for one person; tokens and badges go on without one. Have this run each night.
    """
    from mppcqa.people.ldap_directory import Unreachable
    from mppcqa.people.leaving import look_after
    from mppcqa.people.outside import OutsideFault

    try:
        asked, gone = look_after()
    except (Unreachable, OutsideFault) as error:
        raise click.ClickException(f"{error}. Nobody was kept out.") from None
    for one in gone:
        echo(f"{one}: kept out")
    echo(f"{asked} accounts asked for, {len(gone)} kept out")


@user.command()
@click.argument("name")
@_told
def untie(name: str) -> None:
    """Make NAME, who logs in elsewhere, an account of this server alone, and print a link."""
    from mppcqa.people.outside import untie as take_off

    row = _user(name)
    if not take_off(row, by=None):
        raise click.ClickException(f"{name} does not log in elsewhere")
    _print_link(_user(name))


@user.command()
@click.argument("name")
@click.option("--role", required=True, help="viewer, partner, operator, analyst, manager …")
@click.option("--email", default="", help="Where the person is reached.")
@click.option("--institute", help="See only what this institute owns.")
@click.option("--campaign", help="See only what is in this campaign.")
@json_option()
@_told
def add(
    name: str, role: str, email: str, institute: str | None, campaign: str | None, as_json: bool
) -> None:
    """Make an account NAME and print the link behind which the person chooses a password."""
    from mppcqa.people.actions import invite

    made = invite(
        name, _role(role), email=email, by=None,
        institute=_named("Institute", institute), campaign=_named("Campaign", campaign),
    )  # fmt: skip
    _print_link(made, as_json)


@user.command()
@click.argument("name")
@click.option("--role", help="Another role.")
@click.option("--institute", help="See only what this institute owns; an empty name for all.")
@click.option("--campaign", help="See only what is in this campaign; an empty name for all.")
@_told
def change(name: str, role: str | None, institute: str | None, campaign: str | None) -> None:
    """Change what NAME may do and sees; without options, only say it."""
    from mppcqa.people.actions import change as change_account
    from mppcqa.people.roles import role_of

    row = _user(name)
    if (role, institute, campaign) != (None, None, None):
        person = row.person
        change_account(
            row,
            None if role is None else _role(role),
            institute=person.institute if institute is None else _named("Institute", institute),
            campaign=person.campaign if campaign is None else _named("Campaign", campaign),
            email=row.email,
            by=None,
        )
        row = _user(name)
    has = role_of(row)
    said = [f"owned by {row.person.institute}"] if row.person.institute else []
    said += [f"in the campaign {row.person.campaign}"] if row.person.campaign else []
    sees = f"sees what is {' and '.join(said)}" if said else "sees all"
    echo(f"{row} is {has.key if has else 'of rights of its own'} and {sees}")


@user.command()
@click.argument("name")
@json_option()
@_told
def link(name: str, as_json: bool) -> None:
    """Print a new link for NAME, whose password of before counts no more."""
    from mppcqa.people.actions import take_password

    row = _user(name)
    take_password(row, by=None)
    _print_link(_user(name), as_json)


@user.command(name="second-factor")
@click.argument("name")
@click.option("--remove", is_flag=True, help="Take it away: phone and paper are lost.")
@_told
def second_factor(name: str, remove: bool) -> None:
    """Say whether NAME has a second factor, or take it away."""
    from mppcqa.people.second import second_factor_of, take_away

    row = _user(name)
    if remove:
        taken = take_away(row, by=None)
        echo(f"{name} logs in with the password alone" if taken else f"{name} has none")
        return
    echo(f"{name} has {'one' if second_factor_of(row) else 'none'}")


@user.command(name="keep-out")
@click.argument("name")
@_told
def keep_out_(name: str) -> None:
    """NAME opens nothing from now on; what the person did stays."""
    from mppcqa.people.actions import keep_out

    keep_out(_user(name), by=None)
    echo(f"{name} is kept out")


@user.command(name="let-in")
@click.argument("name")
@_told
def let_in_(name: str) -> None:
    """NAME may log in again."""
    from mppcqa.people.actions import let_in

    let_in(_user(name), by=None)
    echo(f"{name} may log in again")


def _print_link(row: Any, as_json: bool = False) -> None:
    from django.conf import settings
    from django.urls import reverse

    from mppcqa.people.actions import way_in

    address = settings.MPPCQA_URL or settings.MPPCQA_SERVED
    link = f"{address}{reverse('person_comes', args=way_in(row))}"
    echo(json_text({"name": row.get_username(), "link": link}) if as_json else link, lines=as_json)
    echo("counts once, for a week: hand it to the person", err=True)


def _role(key: str) -> Any:
    from mppcqa.people.roles import ROLES

    if key not in ROLES:
        raise click.ClickException(f"there is no role {key!r}; there are: {', '.join(ROLES)}")
    return ROLES[key]


def _user(name: str) -> Any:
    from django.contrib.auth.models import User

    found = User.objects.select_related("person").filter(username=name).first()
    if found is None:
        raise click.ClickException(f"nobody has the user name {name!r}; see mppcqa user list")
    return found


def _named(kind: str, name: str | None) -> Any:
    from mppcqa.inventory import campaign, models

    if not name:
        return None
    model: Any = campaign.Campaign if kind == "Campaign" else models.Institute
    found = model.objects.filter(name=name).first()
    if found is None:
        there = ", ".join(model.objects.values_list("name", flat=True)) or "none yet"
        raise click.ClickException(f"there is no {name!r}; there are: {there}")
    return found
