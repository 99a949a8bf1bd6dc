"""What people do with webhooks. Pages, command line and API call these."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.exchange.hooks.addresses import AddressRefused, check
from mppcqa.exchange.hooks.announcing import delivery, wake
from mppcqa.exchange.hooks.events import EVENTS, TEST
from mppcqa.exchange.hooks.models import Delivery, Webhook
from mppcqa.exchange.hooks.signing import secret_of
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 50
"""Webhooks of a person."""


class HookRefused(Refused):
    """A webhook was not kept as it was asked for; `faults` says what is wrong."""


def make(owner: User, title: str, url: str, events: Iterable[str]) -> tuple[Webhook, str]:
    """A webhook of a person, and its secret, to be shown once. Raises `HookRefused`."""
    hook = Webhook(owner=owner)
    _set(hook, title, url, events)
    if owner.webhooks.count() >= MOST:
        raise HookRefused(_("a person has at most %d webhooks; remove one") % MOST)
    hook.save()
    return hook, secret_of(hook)


def change(
    hook: Webhook,
    *,
    title: str | None = None,
    url: str | None = None,
    events: Iterable[str] | None = None,
    active: bool | None = None,
) -> None:
    """What is not None. Switched on, it goes on with what waited. Raises `HookRefused`."""
    _set(
        hook,
        hook.title if title is None else title,
        hook.url if url is None else url,
        hook.events if events is None else events,
    )
    fields = ["title", "url", "events"]
    if active is not None and active != hook.active:
        hook.active, hook.off_why = active, ""
        hook.off_at = None if active else timezone.now()
        hook.failures, hook.paused_until = 0, None
        fields += ["active", "off_at", "off_why", "failures", "paused_until"]
    hook.save(update_fields=fields)
    if hook.active:
        wake()


def _set(hook: Webhook, title: str, url: str, events: Iterable[str]) -> None:
    chosen = list(dict.fromkeys(events))
    faults = []
    if not title.strip():
        faults.append(Fault(_("give it a name"), field="title"))
    if len(url) > 500:
        faults.append(Fault(_("an address has at most 500 characters"), field="url"))
    else:
        try:
            check(url)
        except AddressRefused as error:
            faults += error.faults
    if unknown := [one for one in chosen if one not in EVENTS]:
        text = _("there is no event “%(one)s”; there is: %(all)s")
        words = {"one": unknown[0][:60], "all": ", ".join(EVENTS)}
        faults.append(Fault(text % words, field="events"))
    if not chosen:
        faults.append(Fault(_("choose at least one event"), field="events"))
    if faults:
        raise HookRefused(faults)
    hook.title, hook.url, hook.events = title.strip()[:100], url, chosen


def renew(hook: Webhook) -> str:
    """Another secret, to be shown once; for a day the former one signs as well."""
    rows = Webhook.objects.filter(pk=hook.pk)
    rows.update(generation=F("generation") + 1, renewed_at=timezone.now())
    hook.refresh_from_db()
    return secret_of(hook)


def send_test(hook: Webhook) -> Delivery:
    """Send something harmless. Raises `HookRefused` where the webhook is switched off."""
    _refuse_off(hook)
    row = delivery(hook, TEST, f"test:{secrets.token_hex(8)}", {"hook": hook.title})
    row.save()
    _try_now(hook)
    return row


def again(row: Delivery) -> None:
    """Send once more, by the same id. Raises `HookRefused` where the webhook is switched off."""
    _refuse_off(row.hook)
    now = timezone.now()
    rows = Delivery.objects.filter(pk=row.pk).exclude(state=Delivery.State.WITHHELD)
    rows.update(state=Delivery.State.WAITING, next_at=now, tries=0)
    _try_now(row.hook)


def switch_all_off(why: str) -> int:
    """No webhook tells anybody anything until somebody switches it on; how many that are."""
    return Webhook.objects.filter(active=True).update(
        active=False, off_at=timezone.now(), off_why=why
    )


def _refuse_off(hook: Webhook) -> None:
    if not hook.active:
        raise HookRefused(_("the webhook is switched off: switch it on first"))


def _try_now(hook: Webhook) -> None:
    Webhook.objects.filter(pk=hook.pk).update(paused_until=None)
    wake()
