"""The limits room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LimitsConfig(AppConfig):
    name = "mppcqa.limits"
    label = "limits"
    verbose_name = _("Limits and verdicts")

    def ready(self) -> None:
        from mppcqa.inventory.signals import joined, objections_asked
        from mppcqa.signing.pen import bars_asked

        bars_asked.connect(_own_work, dispatch_uid="limits.own_work")
        joined.connect(_joined, dispatch_uid="limits.joined")
        objections_asked.connect(_failing, dispatch_uid="limits.failing")
        objections_asked.connect(_of_rejected, dispatch_uid="limits.rejected")


def _own_work(**named: Any) -> Any:
    from mppcqa.limits.own_work import own_work

    return own_work(**named)


def _failing(**named: Any) -> Any:
    from mppcqa.limits.objections import failing

    return failing(**named)


def _of_rejected(**named: Any) -> Any:
    from mppcqa.limits.acceptance import of_rejected

    return of_rejected(**named)


def _joined(devices: Any, by: Any, **_named: Any) -> None:
    from mppcqa.limits.changes import ask_judge

    ask_judge(devices, by=by)
