"""Badges: a code by which a person signs at the bench without typing."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User

from mppcqa.people import tokens
from mppcqa.people.models import Badge
from mppcqa.people.roles import ROLES
from mppcqa.people.tokens import take_back

log = logging.getLogger("mppcqa.people")

__all__ = ["find_badge", "make_badge", "may_open", "signer", "take_back"]

BENCH_ROLE = "analyst"
"""Who may more than this role logs in with a password: a badge may be lost, or photographed."""


def make_badge(
    user: User, days: float, *, by: User | None = None, note: str = ""
) -> tuple[Badge, str]:
    """A badge of a person that ends after so many days: its row, and its code, to be shown once."""
    row, code = tokens.make(Badge, days, by=by, note=note, user=user)
    log.warning("badge %s… of %s made by %s", row.begins, user, by or "this program")
    return row, code


def find_badge(code: str, address: str = "") -> Badge | None:
    """The row of a code that counts, with its person; None for every other text."""
    row = tokens.find(Badge.objects.select_related("user__person"), code)
    if row is None or not row.user.is_active:
        return None
    tokens.note_use(row, address)
    return row


def signer(pk: int) -> User | None:
    """Who signed with a badge; None once it was taken back, ended, or its person is kept out."""
    row = Badge.objects.select_related("user__person").filter(pk=pk).first()
    return row.user if row is not None and row.counts and row.user.is_active else None


def may_open(user: User) -> bool:
    """Whether a badge alone logs this person in, at a screen of the bench."""
    return not user.is_superuser and user.get_all_permissions() <= ROLES[BENCH_ROLE].rights
