"""Forced browsing: every address with what belongs to another institute, by every role."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.test import Client

from mppcqa.audit.models import Waiting
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.runs.models import Run
from tests.thoroughness import THOROUGH
from tests.web.test_typed import address_of, all_patterns

OF_NOBODY = {
    "station": "the bench is everybody's; whose devices sit there is not told",
    **dict.fromkeys(
        (
            *("console", "station_computer", "station_load", "station_unload", "station_reserve"),
            *("station_maintenance", "station_token_make", "station_forget", "run_start"),
            *("bench_screen", "channel_map"),
        ),
        "of a station",
    ),
    **dict.fromkeys(
        (
            *("procedure", "procedure_card", "procedure_write", "procedure_picture"),
            *("procedure_pictures", "training_add", "training_withdraw"),
        ),
        "how one measures",
    ),
    **dict.fromkeys(
        ("instrument", "instrument_place", "instrument_calibrate", "calibration_withdraw"),
        "of the bench",
    ),
    **dict.fromkeys(
        (
            *("person_edit", "person_link", "person_access", "person_badge"),
            *("person_badge_revoke", "person_token_revoke", "person_second_remove"),
        ),
        "accounts are an administrator's, whatever else the administrator sees",
    ),
    **dict.fromkeys(
        ("report_look", "report_sections", "report_look_preview"), "looks are an administrator's"
    ),
    **dict.fromkeys(("catalogue_list", "catalogue_new"), "a kind of thing, and no thing"),
    "delivery": "by the code of a box: whose sheet is not seen, none is there",
    "mapping_remove": "how a laboratory's columns are read",
}
"""Addresses of things that belong to no institute: why everybody may see them."""
QUICK = ("partner", "administrator")


def bound(role: str, institute: Institute) -> Client:
    """A browser of somebody of another institute."""
    client = Client()
    client.force_login(invite(f"an.{role}", ROLES[role], institute=institute, by=None))
    return client


def test_what_belongs_to_another_institute_is_not_there(
    world: dict[str, Any], campaign: SimpleNamespace, tried: list[int]
) -> None:
    theirs, ours = (Institute.objects.create(name=name) for name in ("Theirs", "Ours"))
    other = Campaign.objects.create(name="Theirs too")
    Device.objects.update(owner=theirs, campaign=other)
    Run.objects.update(owner=theirs, campaign=other)
    serials = list(Device.objects.values_list("serial", flat=True))
    wrong, asked = [], 0
    for role in ROLES if THOROUGH else QUICK:
        client = bound(role, ours)
        for pattern in all_patterns():
            name = str(pattern.name)
            if name in ("account_logout", "set_language"):
                continue
            address = address_of(pattern, world)
            # What names nothing is no forced browsing: there only what a page tells is looked at.
            for method in ("get", "post") if pattern.pattern.converters else ("get",):
                asked += 1
                status, text, changed = _ask(client, method, address)
                told = [one for one in serials if one in text and one not in address]
                if told:
                    wrong.append(f"{role}: {method} {address} tells of {told[:3]}")
                if not pattern.pattern.converters or name in OF_NOBODY:
                    continue
                if status not in (403, 404, 405) or changed:
                    wrong.append(f"{role}: {method} {name} {address} {status} {changed[:3]}")
    tried.append(asked)
    assert not wrong, "\n".join(wrong)


def _ask(client: Client, method: str, address: str) -> tuple[int, str, list[str]]:
    """Status, text, and what the audit says was changed."""
    with transaction.atomic():
        before = Waiting.objects.count()
        answer = getattr(client, method)(address)
        body = b"".join(answer) if answer.streaming else answer.content
        rows = Waiting.objects.order_by("pk")[before:]
        changed = [f"{one.table} {one.action}" for one in rows]
        transaction.set_rollback(True)
    return answer.status_code, body.decode(errors="replace"), changed
