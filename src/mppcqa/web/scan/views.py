"""One address takes a scan with what the page is about, and says what happened."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.refused import Refused
from mppcqa.web.access import person
from mppcqa.web.reading import line
from mppcqa.web.scan.answers import Answer, Tone
from mppcqa.web.scan.doing import Bench
from mppcqa.web.scan.hand import Hand, hand_of, keep
from mppcqa.web.scan.packing import packing_of
from mppcqa.web.scan.signing import signing

LONGEST = 1000
"""Characters of a scan that are looked at."""


@require_POST
def scan(request: HttpRequest) -> JsonResponse:
    """Do what a code says: the same actions with the same rights as the pages.

    ``code`` is what was scanned, ``station`` and ``slot`` what the page shown is about, or
    ``box``, ``tray`` and ``at`` where devices are packed; with the form of a run (``p-…``) what
    stands there is started. Whatever becomes of it, the answer is what to tell the person: only an
    error of ours has another status than 200.
    """
    hand = hand_of(request)
    account = person(request)
    with signing(hand, account) as by:
        bench = _bench(request, hand, by)
        before = hand.asked
        try:
            answer = bench.take(request.POST.get("code", "")[:LONGEST])
        except Refused as error:
            answer = Answer(Tone.BAD, _("Not done"), [str(fault) for fault in error.faults])
    if hand.asked == before:
        hand.asked = ""  # a question holds for the next scan alone
    keep(request, hand)
    found = bench.station
    name = "" if found is None else found.name
    return JsonResponse(answer.as_json(name, hand.signed, hand.registers))


def _bench(request: HttpRequest, hand: Hand, by: User) -> Bench:
    return Bench(
        by=by,
        account=person(request),
        address=request.META.get("REMOTE_ADDR", ""),
        hand=hand,
        page=line(request.POST, "station", 60),
        page_checklist=line(request.POST, "checklist", 50),
        page_slot=line(request.POST, "slot", 5),
        packing=packing_of(request.POST, by),
        form=request.POST,
        usual=request.session.get("register", {}),
    )
