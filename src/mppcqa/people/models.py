"""What a person's own programs show the server."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from mppcqa.people.tokens import KeptToken


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
