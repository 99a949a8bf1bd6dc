"""A matching: its groups, and what is done with them."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa import charts
from mppcqa.charts import campaign
from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.models import Device
from mppcqa.inventory.reserving import undo_matching
from mppcqa.inventory.states import AT_HAND, DeviceState
from mppcqa.refused import Refused
from mppcqa.statistics.matching_rules import rules
from mppcqa.web.access import allowed, person
from mppcqa.web.charting import place_chart
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list
from mppcqa.web.matching.listing import MATCHINGS
from mppcqa.web.matching.looking import ALIKE_TITLES
from mppcqa.web.matching.values import matched_by
from mppcqa.web.reading import line, whole
from mppcqa.web.shipments.picking import VERDICTS
from mppcqa.web.stages import stage_titles

A_PAGE = 50
"""Groups that one page lists."""


@require_http_methods(["GET", "POST"])
def matching_list(request: HttpRequest) -> HttpResponseBase:
    """All matchings, the newest first."""
    return show_list(request, MATCHINGS, "web/matching/list.html")


def _find(request: HttpRequest, pk: int) -> Matching:
    rows = Matching.objects.visible_to(request.user).select_related("made_by", "undone_by")
    return get_object_or_404(rows, pk=pk)


@require_GET
def matching(request: HttpRequest, pk: int) -> HttpResponse:
    """One matching; ``?as=csv`` gives its groups to take away, ``?from=51`` further ones."""
    found = _find(request, pk)
    rows = Matched.objects.visible_to(request.user).filter(matching=found)
    members = list(rows.values_list("group", "device", "value", "uncertainty").order_by(
        "group", "value", "id"))  # fmt: skip
    if request.GET.get("as") == "csv":
        return _taken_away(request, found, members)
    start = max(whole(request.GET, "from") or 1, 1)
    spans: dict[int, list[float]] = {}
    for group, _device, value, _error in members:
        spans.setdefault(group, []).append(value)
    last = max(spans, default=0)
    context = {
        "matching": found,
        "value": matched_by(found),
        "limits": _limits(found),
        "n": len(members),
        "n_groups": len(spans),
        "greatest": max((values[-1] - values[0] for values in spans.values()), default=None),
        "error": _typical([error for *_rest, error in members if error is not None]),
        "groups": _groups(request, members, start),
        "before": max(1, start - A_PAGE) if start > 1 else None,
        "later": start + A_PAGE if start + A_PAGE <= last else None,
    }
    if spans:
        context["chart"] = _chart(found, spans)
    return render(request, "web/matching/matching.html", context)


def _typical(errors: list[float]) -> float | None:
    return float(np.median(errors)) if errors else None


def _groups(request: HttpRequest, members: list[Any], start: int) -> list[dict[str, Any]]:
    """The groups of a page: devices with serial and state, spread, and the middle to set."""
    here = [one for one in members if start <= one[0] < start + A_PAGE]
    seen = Device.objects.visible_to(request.user).filter(pk__in=[one[1] for one in here])
    devices = seen.in_bulk()
    found: dict[int, dict[str, Any]] = {}
    for number, device, value, error in here:
        group = found.setdefault(number, {"number": number, "members": [], "whole": True})
        one = devices[device]
        at_hand = one.state in AT_HAND
        group["whole"] = group["whole"] and at_hand
        state = "" if at_hand else str(DeviceState(one.state).label)
        group["members"].append(
            {"device": device, "serial": one.serial, "state": state, "value": value, "error": error}
        )
    for group in found.values():
        values = [one["value"] for one in group["members"]]
        group["spread"] = max(values) - min(values)
        group["middle"] = (max(values) + min(values)) / 2
        group["devices"] = ",".join(str(one["device"]) for one in group["members"])
    return list(found.values())


def _limits(found: Matching) -> list[tuple[str, str]]:
    """What was asked for, in words."""
    asked, titles = found.limits, stage_titles()
    verdict = VERDICTS.get(asked.get("verdict", ""), "")
    stages = ", ".join(titles.get(one, one) for one in asked.get("stages", ()))
    widest = asked.get("widest")
    rule = rules().get(asked.get("rule", ""))
    rows = (
        (_("At"), asked.get("place", "")),
        (_("Type"), asked.get("type", "")),
        (_("Lot"), asked.get("lot", "")),
        (_("In common"), str(ALIKE_TITLES.get(asked.get("alike", ""), ""))),
        (_("Verdict"), f"{stages}: {verdict}" if stages else ""),
        (_("Signed off"), _("yes") if asked.get("signed_off") else ""),
        (_("Rule"), str(rule.title) if rule else asked.get("rule", "")),
        (_("Largest spread of a group"), "" if widest is None else f"{widest:g} {found.unit}"),
    )
    return [(name, text) for name, text in rows if text]


def _chart(found: Matching, spans: dict[int, list[float]]) -> dict[str, Any]:
    rows = [
        {
            "n": number,
            "low": values[0],
            "high": values[-1],
            "href": f"?from={(number - 1) // A_PAGE * A_PAGE + 1}#group-{number}",
        }
        for number, values in spans.items()
    ]
    y = charts.Scale(matched_by(found), found.unit)
    drawn = campaign.spans(rows, charts.Scale(_("group")), y)
    return place_chart("groups", _("Each group from its least to its greatest value"), drawn)


def _taken_away(request: HttpRequest, found: Matching, members: list[Any]) -> HttpResponse:
    serials = dict(
        Device.objects.visible_to(request.user).filter(matchings=found).values_list("pk", "serial")
    )
    text = io.StringIO()
    writer = csv.writer(text)
    value = f"{matched_by(found)} [{found.unit}]"
    writer.writerow([_("group"), _("serial number"), value, _("uncertainty")])
    for group, device, number, error in members:
        writer.writerow([group, serials[device], number, "" if error is None else error])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    name = f"{found.name}.csv"
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


@require_POST
@allowed("inventory.change_matching")
def matching_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Release the devices; the record stays."""
    found = _find(request, pk)
    try:
        undo_matching(found, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The devices are free again."))
    return redirect(found)
