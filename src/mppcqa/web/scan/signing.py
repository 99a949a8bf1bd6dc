"""In whose name scans are done: who is logged in, or whose badge was scanned since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from mppcqa.audit.source import acting, current
from mppcqa.codes import CodeRefused
from mppcqa.people.badges import find_badge, signer
from mppcqa.web.scan.answers import Answer, Tone
from mppcqa.web.scan.hand import Hand


@contextmanager
def signing(hand: Hand, account: User) -> Iterator[User]:
    """Who acts; what is written inside is that person's.

    A badge that counts no more is put out of the hand, and what is scanned is the account's again.
    """
    if not hand.badge:
        yield account
        return
    found = signer(hand.badge)
    if found is None:
        hand.badge, hand.signed = 0, ""
        yield account
        return
    source = current()
    with acting(replace(source, who=found.pk, name=found.get_username())):
        yield found


def sign(hand: Hand, code: str, account: User, address: str) -> Answer:
    """A person's badge: what is scanned from now on is done in that person's name and rights."""
    badge = find_badge(code, address)
    if badge is None:
        raise CodeRefused(
            _("This badge counts no more: it was taken back, has ended, or is not of this server.")
        )
    hand.undo = {"do": "sign", "badge": hand.badge, "signed": hand.signed}
    own = badge.user_id == account.pk
    name = badge.user.get_username()
    hand.badge, hand.signed = (0, "") if own else (badge.pk, name)
    line = _("What is scanned now is done in this name, until 15 minutes go by without a scan.")
    return Answer(Tone.GOOD, name, [_("You are logged in here.") if own else line])


def sign_back(hand: Hand) -> Answer:
    """The person of before."""
    hand.badge, hand.signed = hand.undo["badge"], hand.undo["signed"]
    said = _("%s scans again.") % hand.signed if hand.signed else _("Who is logged in scans again.")
    return Answer(Tone.GOOD, _("Taken back"), [said])
