"""Limit sets: what values are judged against, and why; changed by new versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa import typed
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import DeviceType
from mppcqa.limits.changes import (
    BANDS,
    ask_apply,
    ask_withdraw,
    effect,
    new_version,
    standings_judged_by,
)
from mppcqa.limits.judging import active_limits
from mppcqa.limits.models import TITLES, LimitSet
from mppcqa.queue.actions import submit
from mppcqa.refused import Refused
from mppcqa.results.conditions import condition_text
from mppcqa.stages import Axis, Condition
from mppcqa.views.texts import limit as limit_text
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell
from mppcqa.web.limits.listing import LIMIT_SETS
from mppcqa.web.listing.views import show_list
from mppcqa.web.results import move_table, result_of
from mppcqa.web.signing.asking import pen, signs, told_or_waits
from mppcqa.web.stages import find_stage, quantities_of, stage_titles

INLINE_DEVICES = 300
"""Devices up to which the effect is found while the page is awaited."""


@require_http_methods(["GET", "POST"])
def limit_sets(request: HttpRequest) -> HttpResponseBase:
    """All versions, those in use first."""
    return show_list(request, LIMIT_SETS, "web/limits/list.html", stages=stage_titles())


@require_GET
def limit_set(request: HttpRequest, pk: int) -> HttpResponse:
    """One version with its bands, and what putting it into use would change."""
    found = get_object_or_404(
        LimitSet.objects.select_related("device_type", "campaign", "made_by"), pk=pk
    )
    known = quantities_of(found.stage)
    lines = []
    for limit in found.limits.select_related("quantity"):
        quantity = known.get(limit.quantity.key)
        scale, unit = _shown(quantity) if quantity else (1.0, limit.quantity.unit)
        bands = {
            name: None if (value := getattr(limit, name)) is None else value * scale
            for name in BANDS
        }
        title = _(quantity.title) if quantity else limit.quantity.title
        at = condition_text(limit.at)
        lines.append({"limit": limit, "title": title, "unit": unit, "at": at, **bands})
    titles = stage_titles()
    context = {
        "limits": found,
        "lines": lines,
        "stage_title": titles.get(found.stage, found.stage),
    }
    if not found.active or not found.is_general:
        context |= _effect(found)
        context["edit"] = edits.Edit(request, found, use_parts(found), "")
    context["applying"] = result_of("limits.apply", found)[1]
    if not found.is_general and context["applying"] is None:
        context["applying"] = result_of("limits.withdraw", found)[1]
    return render(request, "web/limits/limits.html", context)


def _effect(found: LimitSet) -> dict[str, Any]:
    """What the set would change: found now for few devices, by a task for many."""
    few = standings_judged_by(found).values("pk")[: INLINE_DEVICES + 1]
    result, task = None, None
    if len(few) <= INLINE_DEVICES and find_stage(found.stage) is not None:
        result = effect(found)
    else:
        result, task = result_of("limits.preview", found)
    context: dict[str, Any] = {"effect": result, "effect_task": task}
    if result is not None:
        context["moves"] = move_table(result["moves"])
    return context


def _shown(quantity: Any) -> tuple[float, str]:
    """Factor and unit in which people see a quantity."""
    if quantity.display_unit:
        return quantity.display_scale, quantity.display_unit
    return 1.0, quantity.unit


@require_http_methods(["GET", "POST"])
@allowed("limits.add_limitset")
def limit_edit(request: HttpRequest, stage: str) -> HttpResponse:
    """A new version, begun from the one in use (for ``?type=PK``), or ``?from=PK``."""
    found = find_stage(stage)
    if found is None:
        messages.error(request, _("The stage %s is not installed here.") % stage)
        return redirect("limit_sets")
    faults: Sequence[str] = []
    base, kind, campaign = _base(found, request)
    with edits.changing(request):
        newest = _newest(found, kind, campaign)
        edit = edits.begin(request, newest, _parts(found, newest), reverse("limit_sets"))
        if edit.conflict:
            return edit.both()
        lines = _lines(found, base, edit.data)
        title, reason = request.POST.get("title", ""), request.POST.get("reason", "")
        offered = _(TITLES[1]) % _(found.title)
        if request.method == "POST":
            limits, faults = _read(lines)
            if kind is None and request.POST.get("type"):
                faults.append(_("The device type is not there any more; choose another."))
            if campaign is None and request.POST.get("campaign"):
                faults.append(_("The campaign is not there any more; choose another."))
            if not faults:
                try:
                    made = new_version(
                        found,
                        limits,
                        # What we offer is kept in English, and told in each reader's language.
                        title=TITLES[1] % found.title if title == offered else title,
                        reason=reason,
                        device_type=kind,
                        campaign=campaign,
                        by=person(request),
                    )
                except Refused as error:
                    faults = error.faults
                else:
                    edit.saved(made, _parts(found, made))
                    return redirect("limit_set", made.pk)
        else:
            title = offered
    context = {
        "stage": found,
        "stage_title": _(found.title),
        "lines": lines,
        "faults": faults,
        "title": title,
        "reason": reason,
        "types": DeviceType.objects.all(),
        "type": None if kind is None else kind.pk,
        "campaigns": Campaign.objects.all(),
        "campaign": None if campaign is None else campaign.pk,
        "edit": edit,
    }
    return render(request, "web/limits/edit.html", context, status=422 if faults else 200)


def _base(stage: Any, request: HttpRequest) -> tuple[LimitSet, DeviceType | None, Campaign | None]:
    """The version that a new one begins from, and the device type and campaign it is to be for."""
    given = LimitSet.objects.none()
    if (key := typed.whole(request.GET.get("from"))) is not None:
        given = LimitSet.objects.filter(pk=key, stage=stage.key)
    base = given.select_related("device_type", "campaign").first()
    kind, campaign = (None, None) if base is None else (base.device_type, base.campaign)
    asked = request.POST.get("type", request.GET.get("type"))
    if asked is not None:
        kind = DeviceType.objects.filter(pk=typed.whole(asked) or 0).first()
    asked = request.POST.get("campaign", request.GET.get("campaign"))
    if asked is not None:
        campaign = Campaign.objects.filter(pk=typed.whole(asked) or 0).first()
    keys = (None if one is None else one.pk for one in (kind, campaign))
    return base or active_limits(stage, *keys), kind, campaign


def _newest(stage: Any, kind: DeviceType | None, campaign: Campaign | None) -> LimitSet | None:
    """The newest version for these devices: a further one would take its place."""
    rows = LimitSet.objects.filter(stage=stage.key).order_by("version")
    if transaction.get_connection().in_atomic_block:
        # All of the stage: they share one row of numbers.
        rows = rows.select_for_update()
    wanted = (kind and kind.pk, campaign and campaign.pk)
    mine = (one for one in reversed(rows) if (one.device_type_id, one.campaign_id) == wanted)
    return next(mine, None)


def _parts(stage: Any, newest: LimitSet | None) -> list[edits.Part]:
    """Every cell of the newest version."""
    if newest is None:
        return []
    parts = []
    for line in _lines(stage, newest, None):
        cells = [(name, words, line[name]) for name, words in _cells().items()]
        cells += [(f"at-{axis}", head, text) for axis, head, text in line["at"]]
        parts += [
            edits.part(f"{line['key']}-{name}", f"{line['title']}: {words}", text)
            for name, words, text in cells
        ]
    return parts


def _cells() -> dict[str, str]:
    return {
        "warn_low": _("Warn from"),
        "pass_low": _("Pass from"),
        "pass_high": _("Pass to"),
        "warn_high": _("Warn to"),
        "reason": _("Reason"),
    }


def _lines(stage: Any, base: LimitSet, sent: QueryDict | None) -> list[dict[str, Any]]:
    """A line for each quantity of the stage: as it was sent, or as the base version has it."""
    there: dict[str, list[Any]] = {}
    for limit in base.limits.select_related("quantity"):
        there.setdefault(limit.quantity.key, []).append(limit)
    lines = []
    for quantity in stage.quantities:
        scale, unit = _shown(quantity)
        for number, limit in enumerate(there.get(quantity.key, [None])):
            line: dict[str, Any] = {
                "key": f"{quantity.key}-{number}",
                "quantity": quantity.key,
                "title": _(quantity.title),
                "unit": unit,
                "scale": scale,
            }
            axes = stage.axes if quantity.conditional else ()
            line["at"] = [
                (axis.key, _axis_head(axis), _at_text(limit, axis.key, line["key"], sent))
                for axis in axes
            ]
            for name in (*BANDS, "reason"):
                if sent is not None:
                    line[name] = sent.get(f"{line['key']}-{name}", "").strip()
                    continue
                value = getattr(limit, name, None)
                factor = scale if name in BANDS else 1.0
                number_text = limit_text(value * factor) if isinstance(value, float) else value
                line[name] = "" if value is None else number_text
            lines.append(line)
    return lines


def _axis_head(axis: Axis) -> str:
    return f"{_(axis.title)} [{axis.unit}]" if axis.unit else _(axis.title)


def _at_text(limit: Any, axis: str, line: str, sent: QueryDict | None) -> str:
    """The value of an axis that a quantity is judged at, as it was sent or as the base has it."""
    if sent is not None:
        return sent.get(f"{line}-at-{axis}", "").strip()
    value = limit.at.get(axis) if limit is not None else None
    return "" if value is None else f"{value:g}"


def _read(lines: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Limits in stored units from the lines that have any band; what is no number is told."""
    limits, faults = [], []
    for line in lines:
        limit: dict[str, Any] = {"quantity": line["quantity"], "reason": line["reason"]}
        at: dict[str, float | None] = {}
        given = [(name, line[name], limit, line["scale"]) for name in BANDS]
        given += [(axis, text, at, 1.0) for axis, _head, text in line["at"]]
        for name, text, into, scale in given:
            value = typed.number(text)
            if value is None and text:
                faults.append(f"{line['title']}: " + _("“%s” is no number") % text)
            into[name] = None if value is None else value / scale
        limit["at"] = Condition(at)
        if any(limit.get(name) is not None for name in BANDS):
            limits.append(limit)
    return limits, faults


def use_parts(found: LimitSet) -> list[edits.Part]:
    """What is in use for the same devices, and would no longer be."""
    used = LimitSet.objects.filter(
        stage=found.stage,
        device_type=found.device_type_id,
        campaign=found.campaign_id,
        active=True,
    ).first()
    return [edits.part("used", _("Limits in use"), used, only_seen=True)]


@require_POST
@allowed("limits.add_limitset")
def limit_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the effect on many devices."""
    found = get_object_or_404(LimitSet, pk=pk)
    submit("limits.preview", {"limit_set_id": pk}, by=person(request), about=found)
    return redirect("limit_set", pk)


@require_POST
@allowed("limits.change_limitset")
@signs
def limit_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a version into use."""
    return _change_use(request, pk, ask_apply, _("The devices are being judged by these limits."))


@require_POST
@allowed("limits.change_limitset")
@signs
def limit_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take limits of a device type or campaign out of use."""
    text = _("The devices are being judged by the limits that are left for them.")
    return _change_use(request, pk, ask_withdraw, text)


def _change_use(request: HttpRequest, pk: int, ask: Callable[..., Any], text: str) -> HttpResponse:
    """What `ask` asks for a version, unless somebody changed which are in use meanwhile."""
    try:
        with transaction.atomic():
            found = edits.locked(LimitSet, pk=pk)
            edit = edits.begin(request, found, use_parts(found), reverse("limit_set", args=[pk]))
            if edit.conflict:
                return edit.both()
            task = ask(found, by=pen(request))
    except Refused as error:
        tell(request, error)
    else:
        told_or_waits(request, task, text)
    return redirect("limit_set", pk)
