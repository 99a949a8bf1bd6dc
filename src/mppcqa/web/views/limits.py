"""Limit sets: what values are judged against, and why; changed by new versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.models import DeviceType
from mppcqa.queue.actions import submit
from mppcqa.testing.judging import active_limits
from mppcqa.testing.limit_changes import (
    BANDS,
    LimitsRefused,
    ask_apply,
    ask_withdraw,
    effect,
    new_version,
    standings_judged_by,
)
from mppcqa.testing.models import LimitSet
from mppcqa.web.access import allowed
from mppcqa.web.results import move_table, result_of
from mppcqa.web.stages import find_stage, quantities_of, stage_titles

INLINE_DEVICES = 300
"""Devices up to which the effect is found while the page is awaited."""


@require_GET
def limit_sets(request: HttpRequest) -> HttpResponse:
    """All versions, those in use first."""
    titles = stage_titles()
    rows = list(
        LimitSet.objects.select_related("device_type", "made_by").order_by(
            "-active", "stage", "-version"
        )[:200]
    )
    for row in rows:
        row.stage_title = titles.get(row.stage, row.stage)
    return render(request, "web/limit_sets.html", {"rows": rows, "stages": titles})


@require_GET
def limit_set(request: HttpRequest, pk: int) -> HttpResponse:
    """One version with its bands, and what putting it into use would change."""
    found = get_object_or_404(LimitSet.objects.select_related("device_type", "made_by"), pk=pk)
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
        lines.append({"limit": limit, "title": title, "unit": unit, **bands})
    titles = stage_titles()
    context = {
        "set": found,
        "lines": lines,
        "stage_title": titles.get(found.stage, found.stage),
    }
    if not found.active or found.device_type_id:
        context |= _effect(found)
    context["applying"] = result_of("testing.apply_limits", found)[1]
    if found.device_type_id and context["applying"] is None:
        context["applying"] = result_of("testing.withdraw_limits", found)[1]
    return render(request, "web/limit_set.html", context)


def _effect(found: LimitSet) -> dict[str, Any]:
    """What the set would change: found now for few devices, by a task for many."""
    few = standings_judged_by(found).values("pk")[: INLINE_DEVICES + 1]
    result, task = None, None
    if len(few) <= INLINE_DEVICES and find_stage(found.stage) is not None:
        result = effect(found)
    else:
        result, task = result_of("testing.preview_limits", found)
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
@allowed("testing.add_limitset")
def limit_edit(request: HttpRequest, stage: str) -> HttpResponse:
    """A new version, begun from the one in use (for ``?type=PK``), or ``?from=PK``."""
    found = find_stage(stage)
    if found is None:
        messages.error(request, _("The stage %s is not installed here.") % stage)
        return redirect("limit_sets")
    faults: list[str] = []
    base, kind = _base(found, request)
    lines = _lines(found, base, request)
    title, reason = request.POST.get("title", ""), request.POST.get("reason", "")
    if request.method == "POST":
        limits, faults = _read(lines)
        if kind is None and request.POST.get("type"):
            faults.append(_("The device type is not there any more; choose another."))
        if not faults:
            try:
                made = new_version(
                    found, limits, title=title, reason=reason, device_type=kind, by=request.user
                )
            except LimitsRefused as error:
                faults = error.faults
            else:
                return redirect("limit_set", made.pk)
    else:
        title = _("%s: limits") % _(found.title)
    context = {
        "stage": found,
        "stage_title": _(found.title),
        "lines": lines,
        "faults": faults,
        "title": title,
        "reason": reason,
        "types": DeviceType.objects.all(),
        "type": None if kind is None else kind.pk,
    }
    return render(request, "web/limit_edit.html", context, status=422 if faults else 200)


def _base(stage: Any, request: HttpRequest) -> tuple[LimitSet, DeviceType | None]:
    """The version that a new one begins from, and the device type that it is to be for."""
    given = LimitSet.objects.none()
    if (number := request.GET.get("from", "")).isdecimal():
        given = LimitSet.objects.filter(pk=int(number), stage=stage.key)
    base = given.select_related("device_type").first()
    asked = request.POST.get("type", request.GET.get("type"))
    kind = None if base is None else base.device_type
    if asked is not None:
        kind = DeviceType.objects.filter(pk=int(asked) if asked.isdecimal() else 0).first()
    return base or active_limits(stage, None if kind is None else kind.pk), kind


def _lines(stage: Any, base: LimitSet, request: HttpRequest) -> list[dict[str, Any]]:
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
            for name in (*BANDS, "overvoltage_v", "reason"):
                if request.method == "POST":
                    line[name] = request.POST.get(f"{line['key']}-{name}", "").strip()
                    continue
                value = getattr(limit, name, None)
                factor = scale if name in BANDS else 1.0
                number_text = f"{value * factor:.6g}" if isinstance(value, float) else value
                line[name] = "" if value is None else number_text
            lines.append(line)
    return lines


def _read(lines: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Limits in stored units from the lines that have any band; what is no number is told."""
    limits, faults = [], []
    for line in lines:
        limit: dict[str, Any] = {"quantity": line["quantity"], "reason": line["reason"]}
        for name in (*BANDS, "overvoltage_v"):
            text = line[name].replace(",", ".")
            try:
                value = float(text) if text else None
            except ValueError:
                faults.append(f"{line['title']}: " + _("“%s” is no number") % line[name])
                continue
            if value is not None and name in BANDS:
                value /= line["scale"]
            limit[name] = value
        if any(limit.get(name) is not None for name in BANDS):
            limits.append(limit)
    return limits, faults


@require_POST
@allowed("testing.add_limitset")
def limit_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the effect on many devices."""
    found = get_object_or_404(LimitSet, pk=pk)
    submit("testing.preview_limits", {"limit_set_id": pk}, by=request.user, about=found)
    return redirect("limit_set", pk)


@require_POST
@allowed("testing.change_limitset")
def limit_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a version into use."""
    ask_apply(get_object_or_404(LimitSet, pk=pk), by=request.user)
    messages.success(request, _("The devices are being judged by these limits."))
    return redirect("limit_set", pk)


@require_POST
@allowed("testing.change_limitset")
def limit_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the limits of a device type out of use."""
    try:
        ask_withdraw(get_object_or_404(LimitSet, pk=pk), by=request.user)
    except LimitsRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The devices are being judged by the general limits."))
    return redirect("limit_set", pk)
