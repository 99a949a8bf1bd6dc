"""Tokens by which the programs of a person ask the server: to read, or to change as well."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User

from mppcqa.people import tokens
from mppcqa.people.models import PersonToken
from mppcqa.people.tokens import take_back

log = logging.getLogger("mppcqa.people")

__all__ = ["find_token", "make_token", "take_back"]


def make_token(
    user: User, days: float, *, writes: bool = False, by: User | None = None, note: str = ""
) -> tuple[PersonToken, str]:
    """A token of a person that ends after so many days: its row, and itself, to be shown once.

    It may never do more than the person may at the moment of asking; without `writes` it reads.
    """
    row, token = tokens.make(PersonToken, days, by=by, note=note, user=user, writes=writes)
    what = "changing" if writes else "reading"
    log.warning("token %s… of %s for %s made by %s", row.begins, user, what, by or "this program")
    return row, token


def find_token(token: str, address: str = "") -> PersonToken | None:
    """The row of a token that counts, with its person; None for every other text.

    Who is kept out opens nothing with it.
    """
    rows = PersonToken.objects.select_related("user__person")
    row = tokens.find(rows, token)
    if row is None or not row.user.is_active:
        return None
    tokens.note_use(row, address)
    return row
