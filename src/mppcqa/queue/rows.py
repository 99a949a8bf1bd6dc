"""What every row of the queue has in common: nobody writes over what another has changed."""

from __future__ import annotations

from typing import Any

from django.db import models


class Row(models.Model):
    """A row that several processes and people change, each its own columns.

    Saving a whole row that was read a while ago writes back everything that others have changed
    since: a worker's heartbeat once took back each request to end it. So `save` of a row that is
    there already wants to know which columns are meant; a guarded UPDATE is better still.
    """

    class Meta:
        abstract = True

    def save(self, *args: Any, **named: Any) -> None:
        known = self._state.adding or named.get("force_insert")
        if not known and named.get("update_fields") is None:
            raise TypeError(
                f"save() of an existing {type(self).__name__} writes over what others changed; "
                "name the columns with update_fields"
            )
        super().save(*args, **named)
