"""The exchange room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExchangeConfig(AppConfig):
    name = "mppcqa.exchange"
    label = "exchange"
    verbose_name = _("Imports and exports")

    def ready(self) -> None:
        from django.utils.translation import gettext

        from mppcqa.tables import use_translation

        use_translation(gettext)
        _announce()


def _announce() -> None:
    """What happens in the rooms below is told to webhooks, and to people who asked."""
    from django.db.models.signals import post_save

    from mppcqa.exchange.hooks import announcing
    from mppcqa.exchange.telling import happenings
    from mppcqa.inventory.signals import shipment_arrived, shipment_sent
    from mppcqa.limits.signals import lot_decided, outcomes_changed
    from mppcqa.queue.reaper import went_round
    from mppcqa.queue.transitions import group_ended, task_ended
    from mppcqa.runs.alarms import StationAlarm

    group_ended.connect(announcing.on_group_ended)
    task_ended.connect(announcing.on_task_ended)
    outcomes_changed.connect(announcing.on_outcomes_changed)
    shipment_sent.connect(announcing.on_shipment_sent)
    went_round.connect(announcing.on_round)
    post_save.connect(announcing.on_alarm_saved, sender=StationAlarm)
    outcomes_changed.connect(happenings.on_outcomes_changed)
    shipment_sent.connect(happenings.on_shipment_sent)
    shipment_arrived.connect(happenings.on_shipment_arrived)
    lot_decided.connect(happenings.on_lot_decided)
    post_save.connect(happenings.on_alarm_saved, sender=StationAlarm)
