"""What was signed of a thing, and the second name under what waits for it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.inventory.models import Device
from mppcqa.limits.models import Verdict, Waiver
from mppcqa.refused import Refused
from mppcqa.signing.models import SignedAct
from mppcqa.signing.pen import NotSigned, drop
from mppcqa.web import edits
from mppcqa.web.access import person
from mppcqa.web.faults import tell
from mppcqa.web.signing.asking import pen, signs, told_or_waits
from mppcqa.web.signing.listing import LOOK
from mppcqa.web.signing.performing import KINDS, Kind, acts_of, pages_of
from mppcqa.web.stages import stage_titles

SHOWN = 50


@require_GET
def signatures(request: HttpRequest, label: str, number: int) -> HttpResponse:
    """A fragment for a thing's page: who signed what of it, and what waits."""
    me = person(request)
    acts = acts_of(label, number, me)
    if acts is None:
        raise Http404
    rows = list(acts.order_by("-pk")[:SHOWN])
    former: list[Waiver] = []
    if label == Device._meta.label_lower:
        # What a second waiver has taken the place of.
        given = Waiver.objects.filter(verdict__device=number).exclude(
            pk__in=Verdict.objects.visible_to(me)
            .filter(device=number, waiver__isnull=False)
            .values("waiver")
        )
        former = list(given.select_related("granted_by", "verdict")[:SHOWN])
    may = {one.pk: one.waits and me.has_perm(KINDS[one.act].right) for one in rows}
    mine = {one.pk for one in rows if any(by["person"] == me.pk for by in one.signatures)}
    context = {"acts": rows, "may": may, "mine": mine, "former": former}
    context |= {"titles": stage_titles(), "look": LOOK}
    return render(request, "web/signing/card.html", context)


@require_POST
@signs
def signature_more(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign what another person has signed; the last signature does it."""
    act, kind = _waiting(request, pk)
    try:
        with transaction.atomic():
            subject = edits.locked(kind.seen(request.user), pk=act.key)
            _refuse_other(act)
            done = kind.do(subject, act.told, pen(request))
    except Refused as error:
        tell(request, error)
    else:
        told_or_waits(request, done, _("Signed, and done: %s") % act.in_words)
    return redirect(pages_of([act], request.user).get(act.pk, "signature_list"))


@require_POST
def signature_drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw what waits for another signature."""
    act, _kind = _waiting(request, pk)
    try:
        drop(act)
    except Refused as error:
        tell(request, error)
    return redirect(pages_of([act], request.user).get(act.pk, "signature_list"))


def _waiting(request: HttpRequest, pk: int) -> tuple[SignedAct, Kind]:
    """An act whose subject the person sees and may sign; else it does not exist, or is refused."""
    act = get_object_or_404(SignedAct, pk=pk)
    kind = KINDS[act.act]
    if not kind.seen(request.user).filter(pk=act.key).exists():
        raise Http404
    if not person(request).has_perm(kind.right):
        raise PermissionDenied
    return act, kind


def _refuse_other(act: SignedAct) -> None:
    if not SignedAct.objects.filter(pk=act.pk, state=SignedAct.State.WAITING).exists():
        raise NotSigned(_("Nothing waits here any more: somebody signed it or withdrew it."))
