"""The list of accounts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.people.actions import waits_for_password
from mppcqa.people.roles import ROLES, role_of
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def standing(user: User) -> tuple[str, str]:
    """State and words of an account."""
    if not user.is_active:
        return "killed", _("kept out")
    if waits_for_password(user):
        return "warning", _("invited")
    return "ok", _("may log in")


def role_title(user: User) -> str:
    """What an account may do, in words."""
    role = role_of(user)
    return str(role.title) if role is not None else _("Rights of its own")


def _rows(asked: QueryDict, _user: Any) -> QuerySet[User]:
    rows = User.objects.filter(is_active=asked.get("state") != "out")
    if text := asked.get("q", "").strip():
        rows = rows.filter(username__icontains=text)
    role = ROLES.get(asked.get("role", ""))
    if role is None:
        return rows
    if role.everything:
        return rows.filter(is_superuser=True)
    return rows.filter(groups__name=role.key, is_superuser=False)


def _describe(rows: list[Any]) -> dict[str, Any]:
    for row in rows:
        row.standing = standing(row)
        row.role_title = role_title(row)
    return {}


PEOPLE = Listing(
    name="people",
    title=gettext_lazy("People"),
    columns=(
        Column("username", gettext_lazy("User name"), sort="username"),
        Column("role_title", gettext_lazy("Role")),
        Column("standing", gettext_lazy("State")),
        Column("institute", gettext_lazy("Institute")),
        Column("campaign", gettext_lazy("Campaign")),
        Column("email", gettext_lazy("E-mail"), sort="email"),
        Column("last_login", gettext_lazy("Last log-in"), sort="last_login"),
    ),
    rows=_rows,
    cells="web/people/cells.html",
    order=Order("username"),
    short=True,
    filters=(
        Filter("q", gettext_lazy("User name")),
        Filter(
            "role", gettext_lazy("Role"), lambda: [(key, role.title) for key, role in ROLES.items()]
        ),
        Filter(
            "state",
            gettext_lazy("State"),
            lambda: [("out", gettext_lazy("kept out"))],
            first=gettext_lazy("may log in"),
        ),
    ),
    show=lambda rows: rows.select_related(
        "person__institute", "person__campaign", "outside"
    ).prefetch_related("groups"),
    describe=_describe,
)
