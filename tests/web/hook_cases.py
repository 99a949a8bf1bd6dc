"""A webhook that two administrators have open."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.models import User

from mppcqa.exchange.hooks.models import Webhook
from tests.web.edit_cases import OTHER, Case


def hook_cases(owner: User) -> list[Case]:
    """Its settings, then that it is removed while somebody gives it another address."""
    made = Webhook.objects.create(
        owner=owner, title="lims", url="https://lims.example.org/", events=["run.ended"]
    )
    row, page = Webhook.objects.filter(pk=made.pk), made.get_absolute_url()
    moved = "https://moved.example.org/"
    return [
        Case(
            page,
            page,
            {"action": "change", "title": "mine"},
            lambda: row.update(title=OTHER, url=moved),
            lambda: row.values_list("title", "url").get(),
            # The one did not touch what the other changed.
            ("mine", moved),
            (OTHER, "mine", moved),
        ),
        *(
            Case(
                page,
                page,
                {"action": action},
                partial(row.update, **changed),
                lambda: row.values_list("active").get(),
                (action == "on",),
                (shown,),
            )
            for action, changed, shown in (
                ("off", {"url": "https://late.example.org/"}, "https://late.example.org/"),
                ("on", {"generation": 3}, "New secrets until now"),
            )
        ),
        Case(
            page,
            page,
            {"action": "remove"},
            lambda: row.update(events=["run.ended", "shipment.sent"]),
            row.exists,
            False,
            ("Run ended, Shipment sent",),
        ),
    ]
