"""Signing: an action checks everything, and then asks the pen of who acts.

An action that needs a signature takes ``by: Pen``. It calls `sign` as its last check, inside the
transaction in which it does its work. A pen that was not proven by a password raises `Wanted`, so
nothing is done, and whoever called asks the person: pages by a small dialog, which says what the
signature means. A person is told of every fault before a password is asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from mppcqa.refused import Refused
from mppcqa.signing.models import Act, Method, SignedAct

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

bars_asked = Signal()
"""Sent with `act`, `subject` and `person` (id): who answers with a text bars the person."""


class NotSigned(Refused):
    """This person may not sign this; the message says why."""


@dataclass(frozen=True)
class Pen:
    """Who signs, and how it was proven just now that it is that person."""

    person: AbstractBaseUser
    method: Method | None = None
    """None where nothing was proven: `sign` will ask."""
    fault: str = ""
    """Why not, where a password was given."""

    @property
    def pk(self) -> Any:
        """Of the person: a pen goes where the id of who acts is wanted."""
        return self.person.pk

    @classmethod
    def on_command(cls, person: AbstractBaseUser) -> Pen:
        """Of a command that a person gave on the server, where no password proves more."""
        return cls(person, Method.COMMAND)


class Wanted(Exception):
    """All is well but for the signature: ask the person for it. Nothing was done."""

    def __init__(self, act: Act, meaning: str, pen: Pen, needed: int, there: int) -> None:
        super().__init__(meaning)
        self.act, self.meaning, self.pen = act, meaning, pen
        self.more = needed - there - 1
        """How many others must sign after this person."""


@transaction.atomic
def sign(
    pen: Pen | None,
    act: Act,
    subject: models.Model,
    *,
    named: str,
    meaning: Callable[[], str],
    told: Mapping[str, Any],
    needed: int = 1,
) -> SignedAct | None:
    """Put the name under an act, and return it; it `waits` where others must sign as well.

    `meaning` is called once a language. `told` (plain JSON) is all that the act depends on: a
    second signature counts for the same alone. A `pen` of None is the program itself, which signs
    nothing. Raises `Wanted`, or `NotSigned` where the person is barred or has signed already.
    """
    if pen is None:
        return None
    _refuse_barred(pen, act, subject)
    kind, key = subject._meta.label_lower, subject.pk
    exactly = json.dumps([act, kind, key, dict(told)], sort_keys=True)
    digest = hashlib.sha256(exactly.encode()).hexdigest()
    same = SignedAct.objects.select_for_update().filter(act=act, kind=kind, key=key)
    waiting = same.filter(digest=digest, state=SignedAct.State.WAITING).first()
    there = waiting.signatures if waiting is not None else []
    if any(one["person"] == pen.pk for one in there):
        raise NotSigned(_("You have signed this already: another person must sign as well."))
    if pen.method is None:
        raise Wanted(act, meaning(), pen, needed, len(there))
    row = waiting or SignedAct(
        act=act, kind=kind, key=key, named=named[:200], told=dict(told), digest=digest
    )
    if waiting is None:
        row.meaning = _in_each_language(meaning)
    row.needed = needed
    row.signatures = [*there, _signature(pen)]
    if len(row.signatures) >= needed:
        row.state, row.done_at = SignedAct.State.DONE, timezone.now()
        others = same.filter(state=SignedAct.State.WAITING).exclude(pk=row.pk)
        others.update(state=SignedAct.State.DROPPED)
    row.save()
    return row


def is_waiting(signed: SignedAct | None) -> bool:
    """Whether an action must stop here until another person signs."""
    return signed is not None and signed.waits


def drop(act: SignedAct) -> None:
    """What waits for another signature is not to be done any more."""
    rows = SignedAct.objects.filter(pk=act.pk, state=SignedAct.State.WAITING)
    if not rows.update(state=SignedAct.State.DROPPED):
        raise NotSigned(_("Nothing waits here any more: somebody signed it or withdrew it."))


def _refuse_barred(pen: Pen, act: Act, subject: models.Model) -> None:
    answers = bars_asked.send(Act, act=act, subject=subject, person=pen.pk)
    if faults := [text for _receiver, text in answers if text]:
        raise NotSigned(faults)


def _signature(pen: Pen) -> dict[str, Any]:
    account, full = pen.person.get_username(), getattr(pen.person, "get_full_name", str)()
    return {
        "person": pen.pk,
        "name": f"{full} ({account})" if full else account,
        "at": timezone.now().isoformat(),
        "method": str(pen.method),
    }


def _in_each_language(meaning: Callable[[], str]) -> dict[str, str]:
    found = {}
    for code, _name in settings.LANGUAGES:
        with override(code):
            found[code] = meaning()
    return found
