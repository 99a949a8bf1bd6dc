"""The statistics room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StatisticsConfig(AppConfig):
    name = "mppcqa.statistics"
    label = "statistics"
    verbose_name = _("Statistics")

    def ready(self) -> None:
        from mppcqa.limits.signals import outcomes_changed, to_be_judged
        from mppcqa.results.signals import counting_changed

        counting_changed.connect(_values, dispatch_uid="statistics.values")
        to_be_judged.connect(_drifts, dispatch_uid="statistics.drifts")
        outcomes_changed.connect(_outcomes, dispatch_uid="statistics.outcomes")


def _values(*, change: Any, **_: Any) -> None:
    from mppcqa.statistics.summaries import replace_values

    replace_values(change)


def _outcomes(*, stage: str, changes: Any, **_: Any) -> None:
    from mppcqa.statistics.outcomes import count_outcomes

    count_outcomes(stage, changes)


def _drifts(*, run: Any, **_: Any) -> None:
    from mppcqa.statistics.references import watch

    watch(run)
