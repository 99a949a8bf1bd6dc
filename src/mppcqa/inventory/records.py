"""What was done to a device and when: dated records, and their sums up to a moment."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.database.identity import uuid_field
from mppcqa.digits import number
from mppcqa.inventory.scope import OfDevice
from mppcqa.stages import Condition
from mppcqa.stages.records import RecordField, RecordKind, record_kinds

BATCH = 900


class DeviceRecord(models.Model):
    """Something that was done to a device. Never changed: a wrong one is withdrawn."""

    uuid = uuid_field()
    device = models.ForeignKey("inventory.Device", on_delete=models.CASCADE, related_name="records")
    kind = models.CharField(gettext_lazy("kind"), max_length=40)
    """Key of a `mppcqa.stages.records.RecordKind`."""
    done_at = models.DateTimeField(gettext_lazy("when"))
    facts = models.JSONField(default=dict)
    """Field of the kind -> number or text, in the field's unit."""
    uncertainty = models.FloatField(null=True, blank=True)
    """Relative standard uncertainty of its amounts; None where it is not known."""
    remark = models.CharField(gettext_lazy("remark"), max_length=300, blank=True, default="")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    withdrawn_why = models.CharField(max_length=300, blank=True, default="")

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["done_at", "id"]
        verbose_name = gettext_lazy("record")
        indexes: ClassVar = [models.Index(fields=["device", "done_at"], name="inventory_record_at")]

    def __str__(self) -> str:
        return f"{kind_title(self.kind)}: {facts_text(self.kind, self.facts, self.uncertainty)}"


def kind_title(key: str) -> str:
    """What people call a kind of record; its key where no package brings it here."""
    kind = record_kinds().get(key)
    return _(kind.title) if kind else key


def facts_text(kind: str, facts: Mapping[str, Any], uncertainty: float | None = None) -> str:
    """A record's facts in words, in the order in which its kind declares them."""
    declared = record_kinds().get(kind)
    fields = declared.fields if declared else ()
    known = {one.key: one for one in fields}
    parts = [fact_text(one, facts[one.key]) for one in fields if facts.get(one.key) is not None]
    parts += [f"{key} {value}" for key, value in facts.items() if key not in known]
    if uncertainty is not None:
        parts.append(f"± {100 * uncertainty:g} %")
    return ", ".join(parts)


def fact_text(one: RecordField, value: Any) -> str:
    """A fact in words."""
    if isinstance(value, str):
        return value
    return f"{_(one.title)} {number(value, 6)} {one.unit}".strip()


def fault_text(kind: RecordKind, key: str, what: str) -> str:
    """A fault of `RecordKind.faults` in words."""
    one = next((one for one in kind.fields if one.key == key), None)
    title = _(one.title) if one else key
    if what == "range" and one is not None:
        low = "–∞" if one.minimum is None else f"{one.minimum:g}"
        high = "∞" if one.maximum is None else f"{one.maximum:g}"
        values = {"title": title, "low": low, "high": high, "unit": one.unit}
        return _("%(title)s: from %(low)s to %(high)s %(unit)s.").strip() % values
    texts = {
        "needed": _("%s is needed."),
        "number": _("%s is no number."),
        "whole": _("%s is no whole number."),
        "long": _("%s is too long."),
        "unknown": _("There is no field %s."),
    }
    if what == "one of":
        names = [_(one.title) for one in kind.fields if one.key in kind.one_of]
        return _("At least one is needed: %s.") % ", ".join(names)
    return texts[what] % title


Rows = Iterable[tuple[int, str, dt.datetime, Mapping[str, Any]]]
"""Device (id), kind, moment and facts of records."""


def standing_records(
    devices: Iterable[int], *, but: int | None = None
) -> list[tuple[int, str, dt.datetime, dict[str, Any]]]:
    """Records of devices (ids) that were not withdrawn, `but` one (its id)."""
    ids = sorted(set(devices))
    rows = DeviceRecord.objects.filter(withdrawn_at=None).order_by("done_at", "pk")
    if but is not None:
        rows = rows.exclude(pk=but)
    return [
        row
        for start in range(0, len(ids), BATCH)
        for row in rows.filter(device__in=ids[start : start + BATCH]).values_list(
            "device", "kind", "done_at", "facts"
        )
    ]


def sums_of(rows: Rows, moment: dt.datetime, axes: Iterable[str]) -> dict[int, Condition]:
    """What records add up to until a moment, by device; only devices and axes with more than 0."""
    wanted, kinds = set(axes), record_kinds()
    sums: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for device, key, at, facts in rows:
        kind = kinds.get(key)
        if kind is None or at > moment:
            continue
        for axis, name in kind.sums.items():
            amount = facts.get(name)
            if axis in wanted and isinstance(amount, int | float) and amount:
                sums[device][axis] += amount
    return {device: Condition(found).rounded() for device, found in sums.items()}
