"""Campaigns: what is tested together, by whom, through which stages; and which of them is whose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps as installed_apps
from django.db import DEFAULT_DB_ALIAS, models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from mppcqa.inventory.models import DeviceType

FIRST = 1
"""The campaign of all devices of which nobody says another: it is there from the first start, and
takes all."""
FIRST_NAME = "Main campaign"


class Campaign(models.Model):
    """Devices that are tested for one purpose. What it leaves empty it does not restrict."""

    name = models.CharField(gettext_lazy("name"), max_length=100, unique=True)
    device_types = models.ManyToManyField(
        "inventory.DeviceType",
        verbose_name=gettext_lazy("device types"),
        blank=True,
        related_name="campaigns",
        help_text=gettext_lazy("The only types that it takes; none chosen takes all."),
    )
    institutes = models.ManyToManyField(
        "inventory.Institute",
        verbose_name=gettext_lazy("institutes"),
        blank=True,
        related_name="campaigns",
        help_text=gettext_lazy("The only owners whose devices it takes; none chosen takes all."),
    )
    stages = models.JSONField(gettext_lazy("stages"), default=list, blank=True)
    """Keys of the stages that its devices pass, in this order; empty says nothing of them."""
    conditions = models.JSONField(default=dict, blank=True, editable=False)
    """Stage -> what holds for it alone, as `inventory.way.Condition` keeps it."""
    description = models.TextField(gettext_lazy("description"), blank=True)
    two_sign = models.JSONField(
        gettext_lazy("signed by two persons"),
        default=list,
        blank=True,
        help_text=gettext_lazy("What counts here only when a second person has signed it as well."),
    )
    """Of `mppcqa.signing.models.Act`."""

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = gettext_lazy("campaign")

    def __str__(self) -> str:
        return self.name

    def delete(self, *arguments: Any, **named: Any) -> Any:
        if self.pk == FIRST:
            raise models.ProtectedError("the first campaign stays", {self})
        return super().delete(*arguments, **named)


@dataclass
class Terms:
    """What a campaign takes: ids of types and of owning institutes; empty takes all."""

    campaign: Campaign
    types: set[int] = field(default_factory=set)
    owners: set[int] = field(default_factory=set)

    def faults(self, kind: DeviceType, owner: int | None) -> list[str]:
        """Why a device of a type and of an owner (id) can't be in the campaign."""
        found = []
        if self.types and kind.pk not in self.types:
            text = _("the campaign %(campaign)s takes no devices of the type %(type)s")
            found.append(text % {"campaign": self.campaign, "type": kind})
        if self.owners and owner not in self.owners:
            text = _("the campaign %(campaign)s takes devices of its own institutes alone")
            found.append(text % {"campaign": self.campaign})
        return found


def signatures_needed(act: str, campaigns: Iterable[int | None]) -> int:
    """How many persons must sign an act that touches devices of campaigns (ids; None of any)."""
    asked = set(campaigns)
    known = {one for one in asked if one is not None}
    rows = Campaign.objects.filter(pk__in=known) if len(known) == len(asked) else Campaign.objects
    return 2 if any(act in acts for acts in rows.values_list("two_sign", flat=True)) else 1


def campaign_terms(campaigns: Iterable[int] | None = None) -> dict[int, Terms]:
    """What campaigns (all, or those of some ids) take, by id: one query."""
    rows = Campaign.objects.order_by("pk")
    if campaigns is not None:
        rows = rows.filter(pk__in=campaigns)
    found: dict[int, Terms] = {}
    columns = ("pk", "name", "device_types", "institutes")
    for pk, name, kind, owner in rows.values_list(*columns):
        terms = found.setdefault(pk, Terms(Campaign(pk=pk, name=name)))
        if kind is not None:
            terms.types.add(kind)
        if owner is not None:
            terms.owners.add(owner)
    return found


def make_first_campaign(
    apps: Any = installed_apps, using: str = DEFAULT_DB_ALIAS, **_named: Any
) -> None:
    """After each migration: nobody must make a campaign before the first device comes."""
    try:
        model = apps.get_model("inventory", "Campaign")
    except LookupError:
        return  # tables of a version that had none
    model._default_manager.using(using).get_or_create(pk=FIRST, defaults={"name": FIRST_NAME})
