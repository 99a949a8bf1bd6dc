"""The runs room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class RunsConfig(AppConfig):
    name = "mppcqa.runs"
    label = "runs"
    verbose_name = _("Stations and runs")

    def ready(self) -> None:
        from mppcqa.inventory.signals import seats_asked

        seats_asked.connect(_seats, dispatch_uid="runs.seats")
        checks.register(_switched_off)


def _seats(**named: Any) -> Any:
    from mppcqa.runs.seats import seats

    return seats(**named)


def _switched_off(**_named: Any) -> list[checks.CheckMessage]:
    """Stages of other packages that can't be used, among what Django checks before commands."""
    from mppcqa.stages import broken_stages

    return [checks.Warning(str(broken), id="mppcqa.W001") for broken in broken_stages()]
