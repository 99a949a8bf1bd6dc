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
        import mppcqa.runs.brought
        import mppcqa.runs.second_store  # noqa: F401  (and its own)
        from mppcqa.inventory.signals import seats_asked

        seats_asked.connect(_seats, dispatch_uid="runs.seats")
        checks.register(_switched_off)
        checks.register(_program_user)


def _seats(**named: Any) -> Any:
    from mppcqa.runs.seats import seats

    return seats(**named)


def _switched_off(**_named: Any) -> list[checks.CheckMessage]:
    """Stages of other packages that can't be used, among what Django checks before commands."""
    from mppcqa.stages import broken_stages

    return [checks.Warning(str(broken), id="mppcqa.W001") for broken in broken_stages()]


def _program_user(**_named: Any) -> list[checks.CheckMessage]:
    """A user for test programs that is named and can't be taken; workers do not start then."""
    from mppcqa.queue.program_user import ProgramUserFault
    from mppcqa.queue.programs import own_user

    try:
        own_user()
    except ProgramUserFault as error:
        return [checks.Warning(str(error), id="mppcqa.W003")]
    return []
