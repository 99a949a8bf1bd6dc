"""Tests with transactions of their own empty every table; those of the audit refuse that."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connection

from mppcqa.audit.models import Entry, Waiting
from mppcqa.audit.triggers import NAME, wanted_triggers

GUARDS = [f"{NAME}{table}_{verb}" for table in ("audit_entry", "audit_waiting") for verb in "ud"]


def without_guards() -> None:
    """Let what guards the audit stand aside while Django's own command empties the tables."""
    former = flush.Command.handle

    def handle(self: Any, *arguments: Any, **named: Any) -> Any:
        with connection.cursor() as cursor:
            _drop(cursor)
            try:
                result = former(self, *arguments, **named)
                # Tables were emptied one after the other, which was entered; and the signal at the
                # end of the command made the guards again.
                _drop(cursor)
                for model in (Entry, Waiting):
                    model.objects.all()._raw_delete("default")
            finally:
                _drop(cursor)
                there = wanted_triggers()
                for name in GUARDS:
                    cursor.execute(there[name])
        return result

    flush.Command.handle = handle  # type: ignore[method-assign]


def _drop(cursor: Any) -> None:
    for name in GUARDS:
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
