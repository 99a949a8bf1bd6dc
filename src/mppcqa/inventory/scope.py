"""Who sees what: the one place that decides which devices, runs and what hangs on them are shown.

Everybody who may look sees all, but for a person who is bound to an institute or to a campaign:
this one sees what the institute owns, or what is in the campaign. Whatever a page, an export, a
report or a search shows begins with ``Thing.objects.visible_to(person)``; `tools/house.py` holds
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Model = TypeVar("Model", bound=models.Model)
Viewer: TypeAlias = "AbstractBaseUser | AnonymousUser | None"
"""A user; None is the program itself, in a task or a command, which sees all."""


@dataclass(frozen=True)
class Scope:
    """What a person is bound to, by ids; None where to nothing."""

    owner: int | None = None
    campaign: int | None = None

    @property
    def bound(self) -> bool:
        """Whether there is anything that the person does not see."""
        return self.owner is not None or self.campaign is not None

    def keys(self, before: str = "") -> dict[str, int]:
        """What rows must have, as a filter; `before` leads to the device or the run."""
        wanted = {"owner": self.owner, "campaign": self.campaign}
        return {f"{before}{name}": key for name, key in wanted.items() if key is not None}

    def has(self, thing: Any) -> bool:
        """Whether a device or run is seen."""
        return all(getattr(thing, f"{name}_id") == key for name, key in self.keys().items())


ALL = Scope()


def scope_of(viewer: Viewer) -> Scope:
    """What a user is bound to."""
    if viewer is None or not viewer.is_authenticated:
        return ALL  # who is not logged in sees no page at all
    user: Any = viewer
    try:
        person = user.person
    except ObjectDoesNotExist:
        return ALL
    return Scope(person.institute_id, person.campaign_id)


class ScopedQuerySet(models.QuerySet[Model]):
    """Rows of which a person sees some."""

    before: ClassVar[str] = ""
    """What leads from a row to the device or run that says whose it is."""

    def visible_to(self, viewer: Viewer) -> Self:
        """Those that a person sees: all, without a join, unless the person is bound."""
        scope = scope_of(viewer)
        return self._within(scope) if scope.bound else self

    def _within(self, scope: Scope) -> Self:
        return self.filter(**scope.keys(self.before))


class OfDevice(ScopedQuerySet[Model]):
    """Rows of a device."""

    before = "device__"


class OfRun(ScopedQuerySet[Model]):
    """Rows of a run."""

    before = "run__"


class OfFile(ScopedQuerySet[Model]):
    """Rows of a run's file."""

    before = "run_file__run__"


class WithDevices(ScopedQuerySet[Model]):
    """Shipments: rows with many devices, seen where some of them are."""

    def _within(self, scope: Scope) -> Self:
        devices: Any = self.model._meta.get_field("devices")
        through = devices.remote_field.through
        seen = through._default_manager.filter(**scope.keys("device__"))
        return self.filter(pk__in=seen.values(self.model._meta.model_name))


class HoldingDevices(ScopedQuerySet[Model]):
    """Trays: seen where they are empty or hold some device that is seen."""

    def _within(self, scope: Scope) -> Self:
        devices: Any = self.model._meta.get_field("devices")
        held = devices.related_model._default_manager.filter(tray=models.OuterRef("pk"))
        seen = models.Exists(held.filter(**scope.keys()))
        return self.filter(seen | ~models.Exists(held))
