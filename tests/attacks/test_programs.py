"""Forced browsing by programs: every operation of the API on what belongs to another institute."""

from __future__ import annotations

from types import SimpleNamespace

from django.db import transaction

from mppcqa.audit.models import Waiting
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.runs.models import Run
from tests.api.conftest import program_of
from tests.attacks.test_browsing import QUICK
from tests.people.test_api_matrix import BODIES, PIECE, _address, operations
from tests.thoroughness import THOROUGH

OF_NOBODY = {
    "stations": "the bench is everybody's; whose devices sit there is not told",
    "catalogue": "kinds of things",
    "limits": "what is good enough, for all",
    "schedules": "of the server",
    "me": "oneself",
    "uploads": "bytes of one's own, by their sum",
}
"""First words of addresses of what belongs to no institute."""


def test_no_operation_tells_or_changes_what_is_anothers(
    campaign: SimpleNamespace, tried: list[int]
) -> None:
    theirs, ours = (Institute.objects.create(name=name) for name in ("Theirs", "Ours"))
    other = Campaign.objects.create(name="Theirs too")
    Device.objects.update(owner=theirs, campaign=other)
    Run.objects.update(owner=theirs, campaign=other)
    serials = list(Device.objects.values_list("serial", flat=True))
    invite("the.nobody", ROLES["viewer"], by=None)
    wrong, asked = [], 0
    for role in ROLES if THOROUGH else QUICK:
        program = program_of(invite(f"an.{role}", ROLES[role], institute=ours, by=None))
        for name, path in operations().items():
            method = name.partition(" ")[0].lower()
            named = "{" in path and path.split("/")[1] not in OF_NOBODY
            # Tasks, exports and hooks of somebody else: made as nobody's who asks.
            address = _address(method, path, campaign, "nobody" if named else role)
            with transaction.atomic():
                before = Waiting.objects.count()
                answer = (
                    program.get(address)
                    if method == "get"
                    else program.send(method, address, BODIES.get(path, {}), **PIECE)
                )
                body = b"".join(answer) if answer.streaming else answer.content
                rows = Waiting.objects.order_by("pk")[before:]
                changed = [f"{one.table} {one.action}" for one in rows]
                transaction.set_rollback(True)
            asked += 1
            told = [one for one in serials if one.encode() in body and one not in address]
            if method == "get" and told:
                wrong.append(f"{role}: {name} tells of {told[:3]}")
            if named and (answer.status_code not in (403, 404, 422) or changed):
                wrong.append(f"{role}: {name} {answer.status_code} {changed[:3]} {body[:80]!r}")
    tried.append(asked)
    assert not wrong, "\n".join(wrong)
