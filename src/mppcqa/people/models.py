"""What a person's own programs show the server, and what a person shows at the bench."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.people.tokens import KeptToken

BADGE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWX23456789"
"""No Y and Z, which other keyboard layouts swap; all are of the small alphabet of QR codes."""
BADGE_LENGTH = 26
"""130 bits."""


class PersonToken(KeptToken):
    """A token with which a program does what a person may do. The token itself is kept nowhere."""

    PREFIX: ClassVar[str] = "mppcqa-person-"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens"
    )
    writes = models.BooleanField(
        _("may change"), default=False, help_text=_("Else it only reads, whatever the person may.")
    )

    class Meta(KeptToken.Meta):
        verbose_name = _("token")

    def __str__(self) -> str:
        return f"{self.user} {self.begins}…"


class Badge(KeptToken):
    """A person's code, to be scanned at the bench. The code itself is kept nowhere."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="badges"
    )

    class Meta(KeptToken.Meta):
        verbose_name = _("badge")

    def __str__(self) -> str:
        return f"{self.user} {self.begins}…"

    @classmethod
    def by_chance(cls) -> str:
        return "".join(secrets.choice(BADGE_LETTERS) for _at in range(BADGE_LENGTH))


class SecondFactor(models.Model):
    """What a person has beside the password: a secret that a phone keeps, and codes on paper."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="second_factor",
    )
    secret = models.CharField(max_length=200)
    """Enciphered with the server's secret key."""
    codes = models.JSONField(default=list)
    """Hashes of the codes on paper that were not used yet."""
    last_step = models.BigIntegerField(default=0)
    """Of the newest code that was used; that one and all before it count no more."""
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("second factor")

    def __str__(self) -> str:
        return str(self.user)


class Outside(models.Model):
    """That an account's person logs in elsewhere, and what that place calls the person."""

    class Source(models.TextChoices):
        LDAP = "ldap", "LDAP"
        OIDC = "oidc", "OpenID Connect"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="outside"
    )
    source = models.CharField(max_length=10, choices=Source)
    subject = models.CharField(max_length=64)
    """Hash of what the place calls the person for good."""
    kept_out = models.BooleanField(default=False)
    """Whether it was the place that kept the person out, which then also lets in again."""

    class Meta:
        verbose_name = _("log-in elsewhere")
        constraints = [
            models.UniqueConstraint(fields=["source", "subject"], name="people_outside_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_source_display()})"


class Uploaded(models.Model):
    """How many bytes somebody brought within an hour; after two days it goes."""

    who = models.CharField(max_length=40)
    """``person 12`` or ``station 3``: it outlives neither, and binds neither."""
    hour = models.DateTimeField()
    size = models.BigIntegerField()

    class Meta:
        verbose_name = _("what was brought")
        constraints = [models.UniqueConstraint(fields=["who", "hour"], name="people_uploaded_once")]

    def __str__(self) -> str:
        return f"{self.who} {self.hour:%Y-%m-%d %H}: {self.size} bytes"
