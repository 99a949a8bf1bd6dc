"""From what happens to notices, in the transaction in which it happens: who asked, and sees it.

The places that happenings come from are those that webhooks listen to as well
(`mppcqa.exchange.apps`). A notice has a key that names what happened: nobody is told twice.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mppcqa.exchange.telling.models import Subject, Subscription
from mppcqa.inventory.models import Device, Shipment
from mppcqa.limits.acceptance import Acceptance
from mppcqa.limits.holding import alarm_words
from mppcqa.limits.models import Verdict
from mppcqa.limits.objections import stage_title
from mppcqa.queue.actions import submit
from mppcqa.queue.models import Notice
from mppcqa.queue.untrusted import one_line
from mppcqa.results.models import Analysis, Outcome
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.contact import SILENT_AFTER
from mppcqa.runs.models import StationContact

ROUTINE = "exchange.mail_notices"
NAMED = 5
"""Devices that a notice names; it tells how many others there are."""
LATE = dt.timedelta(hours=1)
"""A station that fell silent before that is no news."""
Changes = list[tuple[int, Verdict | None, Verdict]]


def _tell(
    subject: Subject, key: str, link: str, words: Callable[[Subscription], str]
) -> list[Notice]:
    """A notice for each person who asked; `words` is empty where it is not theirs to know.

    Of several subscriptions that fit, the one that tells soonest.
    """
    order: list[str] = [Notice.Way.MAIL, Notice.Way.DIGEST, Notice.Way.PAGE]
    rows = Subscription.objects.filter(subject=subject, user__is_active=True)
    asked = sorted(rows.select_related("user__person"), key=lambda one: order.index(one.way))
    notices: dict[int, Notice] = {}
    for one in asked:
        if one.user_id in notices:
            continue
        with translation.override(one.language):
            text = words(one)
        if text:
            notices[one.user_id] = Notice(
                user=one.user, text=one_line(text, 500), link=link, key=key, way=one.way
            )
    if notices:
        Notice.objects.bulk_create(notices.values(), ignore_conflicts=True)
        if any(one.way == Notice.Way.MAIL for one in notices.values()):
            transaction.on_commit(lambda: submit(ROUTINE, key=ROUTINE, priority=7), robust=True)
    return list(notices.values())


def _names(found: Iterable[str]) -> str:
    names = list(found)
    rest = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return shown if rest <= 0 else _("%(names)s and %(n)d more") % {"names": shown, "n": rest}


def on_alarm_saved(*, instance: StationAlarm, created: bool, **_named: Any) -> None:
    """A station's alarm was raised; who sees its reference device may know."""

    def words(one: Subscription) -> str:
        known = one.is_at(instance.station_id) and one.devices([instance.device_id]).exists()
        return alarm_words(instance) if known else ""

    if created:
        _tell(Subject.ALARM, f"alarm:{instance.pk}", instance.get_absolute_url(), words)


def on_outcomes_changed(*, stage: str, changes: Changes, **_named: Any) -> None:
    """Devices are judged; those whose verdict turned are told."""
    turned = {
        device: (former, new)
        for device, former, new in changes
        if former is not None and former.outcome != new.outcome
    }
    if not turned or not Subscription.objects.filter(subject=Subject.VERDICT).exists():
        return
    keys = {new.analysis_id for _former, new in turned.values()}
    ran = Analysis.objects.filter(pk__in=keys).values_list("pk", "run_file__run__station")
    at = dict(ran)
    names = dict(Outcome.choices)

    def words(one: Subscription) -> str:
        mine = [key for key, (_f, new) in turned.items() if one.is_at(at.get(new.analysis_id))]
        seen = one.devices(mine).order_by("serial").values_list("pk", "serial")
        told = [
            f"{serial} {names[turned[pk][0].outcome]} → {names[turned[pk][1].outcome]}"
            for pk, serial in seen
        ]
        if not told:
            return ""
        text = ngettext(
            "A verdict turned at %(stage)s: %(names)s",
            "%(n)d verdicts turned at %(stage)s: %(names)s",
            len(told),
        )
        return text % {"n": len(told), "stage": stage_title(stage), "names": _names(told)}

    link = ""
    if len(turned) == 1:
        # A page of one; the list of devices where there are many.
        link = Device.objects.visible_to(None).get(pk=next(iter(turned))).get_absolute_url()
    # A verdict may come back: each time is a happening of its own.
    _tell(Subject.VERDICT, f"verdicts:{uuid.uuid4()}", link, words)


def on_lot_decided(*, acceptance: Acceptance, **_named: Any) -> None:
    """A lot is accepted or rejected; who sees a device of it may know."""

    def words(one: Subscription) -> str:
        mine = Device.objects.visible_to(one.user).filter(lot=acceptance.lot_id)
        if not one.devices(mine.values_list("pk", flat=True)).exists():
            return ""
        told = {"lot": acceptance.lot, "what": acceptance.get_outcome_display()}
        return _("Lot %(lot)s is decided: %(what)s") % told

    _tell(Subject.LOT, f"lot:{acceptance.pk}", acceptance.get_absolute_url(), words)


def on_shipment_sent(*, shipment: Shipment, **_named: Any) -> None:
    """A box left."""
    _shipped(shipment, Subject.SENT)


def on_shipment_arrived(*, shipment: Shipment, **_named: Any) -> None:
    """A box was received."""
    _shipped(shipment, Subject.ARRIVED)


def _shipped(shipment: Shipment, subject: Subject) -> None:
    inside = list(shipment.devices.values_list("pk", flat=True))

    def words(one: Subscription) -> str:
        if not Shipment.objects.visible_to(one.user).filter(pk=shipment.pk).exists():
            return ""
        n = one.devices(inside).count()
        if not n:
            return ""
        text = (
            _("Shipment %(number)d is under way from %(origin)s to %(to)s: devices %(n)d")
            if subject == Subject.SENT
            else _("Shipment %(number)d from %(origin)s has arrived at %(to)s: devices %(n)d")
        )
        places = {"origin": shipment.origin, "to": shipment.destination}
        return text % {"number": shipment.pk, "n": n, **places}

    _tell(subject, f"{subject}:{shipment.pk}", reverse("shipment", args=[shipment.pk]), words)


def look_for_silence() -> None:
    """Tell of stations that are not heard of any more; everybody sees stations."""
    if not Subscription.objects.filter(subject=Subject.SILENT).exists():
        return
    now = timezone.now()
    silent = StationContact.objects.filter(heard_at__range=(now - LATE, now - SILENT_AFTER))
    for contact in silent.select_related("station"):
        key = f"silent:{contact.station_id}:{contact.heard_at.isoformat()}"
        if Notice.objects.filter(key=key).exists():
            continue

        def words(one: Subscription, contact: StationContact = contact) -> str:
            if not one.is_at(contact.station_id):
                return ""
            heard = timezone.localtime(contact.heard_at).strftime("%Y-%m-%d %H:%M %Z")
            told = {"station": contact.station, "at": heard}
            return _("Station %(station)s was last heard of at %(at)s") % told

        _tell(Subject.SILENT, key, contact.station.get_absolute_url(), words)
