"""What was signed, what it means in words, and by whom."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from mppcqa.database.identity import uuid_field


class Act(models.TextChoices):
    """What is done by a signature alone."""

    SIGN_OFF = "sign_off", _("Sign-off of a device")
    WAIVER = "waiver", _("Waiver of a verdict")
    SHIPMENT = "shipment", _("Release of a shipment")
    LIMITS = "limits", _("Change of limits in use")
    ANALYSIS = "analysis", _("Analyses that count")


class Method(models.TextChoices):
    """How a person proved at the moment of signing who that is."""

    PASSWORD = "password", _("password")
    CODE = "code", _("password and code")
    ELSEWHERE = "elsewhere", _("logged in again at the provider")
    COMMAND = "command", _("on the server's command line")


class SignedAct(models.Model):
    """An act and the signatures under it: one row is the whole document, as exports carry it.

    `meaning` is language -> what the signatures mean in words. `told` is what exactly is done, by
    which a second signature is known to be of the same. A signature has ``person`` (id), ``name``,
    ``at`` (ISO, UTC) and ``method``.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for another signature")
        DONE = "done", _("signed")
        DROPPED = "dropped", _("withdrawn")

    uuid = uuid_field()
    act = models.CharField(_("act"), max_length=10, choices=Act)
    kind = models.CharField(max_length=50)
    """Label of the model of what it is of, such as ``inventory.device``."""
    key = models.BigIntegerField()
    named = models.CharField(_("of"), max_length=200)
    meaning = models.JSONField(default=dict)
    told = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    needed = models.PositiveSmallIntegerField(default=1)
    signatures = models.JSONField(default=list)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    begun_at = models.DateTimeField(_("begun"), default=timezone.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("signature")
        indexes = [
            models.Index(fields=["kind", "key"], name="signing_act_of"),
            models.Index(fields=["state", "-id"], name="signing_act_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_act_display()}: {self.named}"

    @property
    def waits(self) -> bool:
        """Whether another person must sign before anything is done."""
        return self.state == self.State.WAITING

    @property
    def in_words(self) -> str:
        """What the signatures mean, in the reader's language."""
        return in_words(self.meaning)

    @property
    def signers(self) -> str:
        """Names with moment (UTC) and method, in the reader's language."""
        return signers(self.signatures)

    def document(self) -> dict[str, Any]:
        """What leaves this database: no numbers of ours, no ids of persons."""
        return {
            "act": self.act,
            "meaning": self.meaning,
            "signatures": [
                {name: one[name] for name in ("name", "at", "method")} for one in self.signatures
            ],
        }


def in_words(meaning: dict[str, str]) -> str:
    """A meaning in the reader's language, or in English."""
    return meaning.get((get_language() or "en").partition("-")[0]) or meaning.get("en", "")


def signers(signatures: list[dict[str, Any]]) -> str:
    """Who signed, when and how."""
    known = {one.value: str(one.label) for one in Method}
    return "; ".join(
        f"{one['name']}, {_moment(one['at'])} ({known.get(one['method'], one['method'])})"
        for one in signatures
    )


def _moment(text: str) -> str:
    return f"{dt.datetime.fromisoformat(text).astimezone(dt.UTC):%Y-%m-%d %H:%M}"
