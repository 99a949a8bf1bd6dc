"""Tables of the audit: what waits to be sealed, what is sealed, and who writes at the moment."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    """What was done to a row; a `NOTE` is about the database as a whole."""

    INSERT = "I", _("made")
    UPDATE = "U", _("changed")
    DELETE = "D", _("removed")
    NOTE = "N", _("note")


class Change(models.Model):
    """What both tables of changes hold."""

    at = models.DateTimeField()
    source = models.TextField(null=True)  # noqa: DJ001  # none: written past the program
    """JSON: ``who`` (account's number), ``name``, ``where``, ``why``."""
    table = models.CharField(max_length=64)
    row = models.CharField(max_length=64)
    action = models.CharField(max_length=1, choices=Action)
    before = models.TextField(null=True)  # noqa: DJ001  # none where there was no row
    after = models.TextField(null=True)  # noqa: DJ001  # none where there is no row
    """JSON: column -> value as text; of a change those columns alone that changed."""

    class Meta:
        abstract = True


class Waiting(Change):
    """A change as its trigger wrote it, in the transaction that made it; sealed within seconds."""

    class Meta:
        db_table = "audit_waiting"
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["table", "row"], name="audit_waiting_row")]

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.action}"


class Entry(Change):
    """A link of the chain. Triggers refuse to change or remove it."""

    id = models.BigIntegerField(primary_key=True)
    """Its place in the chain, from 1 without gaps."""
    waited = models.BigIntegerField(unique=True)
    """Number of its row in `Waiting`; each is sealed once."""
    who = models.BigIntegerField(null=True)
    """Number of the account, as `source` says it."""
    hash = models.CharField(max_length=64)
    """SHA-256 of the hash before and of all else here, as `chain.link` writes it."""

    class Meta:
        db_table = "audit_entry"
        default_permissions = ("view",)
        verbose_name = _("change")
        indexes: ClassVar = [
            models.Index(fields=["table", "row", "id"], name="audit_entry_row"),
            models.Index(fields=["who", "id"], name="audit_entry_who"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.table} {self.row} {self.action}"


class Writer(models.Model):
    """SQLite alone: who writes, by the number that a connection carries; see `telling`."""

    id = models.BigIntegerField(primary_key=True)
    text = models.TextField()
    at = models.BigIntegerField()
    """Seconds since 1970."""

    class Meta:
        db_table = "audit_writer"
        default_permissions = ()

    def __str__(self) -> str:
        return self.text
