"""Files of other programs: upload, choose or make a mapping, look, import."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.disk import whole_file
from mppcqa.exchange.foreign.files import (
    ALLOWED,
    ForeignRefused,
    check_file,
    refuse,
    take_in,
)
from mppcqa.exchange.foreign.kinds import axes, more_axes, takers, to_say
from mppcqa.exchange.foreign.mappings import (
    all_mappings,
    find_mapping,
    save_mapping,
)
from mppcqa.exchange.mapping import moment_faults
from mppcqa.exchange.models import ForeignMapping
from mppcqa.runs.actions import find_device
from mppcqa.typed import moment, number
from mppcqa.web.access import allowed, person
from mppcqa.web.charting import place_chart
from mppcqa.web.edits import Part, begin, part
from mppcqa.web.reading import line, whole

MOST_FILES = 200
MOST_BYTES = 2_000_000_000
KEPT_S = 24 * 3600
COLUMNS = 6


def _folder() -> Path:
    return Path(settings.MPPCQA_HOME) / "uploads"


def _keep(files: list[UploadedFile[Any]]) -> str:
    """Put an upload aside until it is imported; what was left a day ago is removed."""
    for old in _folder().glob("*"):
        if time.time() - old.stat().st_mtime > KEPT_S:
            shutil.rmtree(old, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = _folder() / token
    for number_, file in enumerate(files):
        place = folder / f"{number_:03d}"
        name = Path((file.name or "file").replace("\\", "/")).name[:150].lstrip(".") or "file"
        with whole_file(place / name) as part, part.open("wb") as target:
            for piece in file.chunks():
                target.write(piece)
    return token


def _kept(token: str) -> list[Path]:
    """Files of an upload that was put aside; none where it is gone."""
    if not re.fullmatch(r"[0-9a-f]{32}", token):
        return []
    return sorted(path for path in (_folder() / token).glob("*/*") if path.is_file())


def given_in(request: HttpRequest, faults: list[str]) -> dict[str, float]:
    """Conditions that a person typed, with a unit where it is another: 293 K."""
    from mppcqa.tables.conditions import number_in
    from mppcqa.tables.ranges import implausible

    found = {}
    for name, axis in to_say().items():
        text = request.POST.get(name, "").strip()
        if not text:
            continue
        value = number_in(text, name, due=axis.unit)
        if value is None:
            faults.append(_("“%s” is no number with a unit that fits") % text[:40])
        elif why := implausible(name, value):
            faults.append(why)
        else:
            found[name] = value
    return found


@require_http_methods(["GET", "POST"])
@allowed("runs.add_run")
def foreign(request: HttpRequest) -> HttpResponse:
    """Upload and look first, import when it looks right; a broken file is named and kept out."""
    context: dict[str, Any] = {
        "mappings": all_mappings(),
        "asked": request.POST or request.GET,
        "faults": [],
        "rows": range(COLUMNS),
        "axes": list(axes().values()),
        "to_say": list(to_say().values()),
        "stages": takers(),
    }
    if request.method == "POST":
        if request.POST.get("action") == "mapping":
            return _new_mapping(request, context)
        answer = _look(request, context)
        if answer is not None:
            return answer
    status = 422 if context["faults"] else 200
    return render(request, "web/foreign/foreign.html", context, status=status)


def _look(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """Read what was uploaded; with the action ``import`` and no fault, take it in."""
    faults: list[str] = context["faults"]
    uploaded = request.FILES.getlist("files")
    token = request.POST.get("token", "")
    if len(uploaded) > MOST_FILES or sum(file.size or 0 for file in uploaded) > MOST_BYTES:
        faults.append(_("At most %d files and 2 GB at once; import them in parts.") % MOST_FILES)
        return None
    if uploaded:
        token = _keep(uploaded)
    paths = _kept(token)
    if not paths:
        faults.append(_("Choose at least one file."))
        return None
    context |= {"token": token, "names": [path.name for path in paths]}
    device = find_device(request.POST.get("device", ""), request.user)
    if device is None:
        faults.append(_("%s is not registered; register it first") % request.POST.get("device", ""))
    given = given_in(request, faults)
    measured = line(request.POST, "measured_at", 40)
    faults += moment_faults(measured) if measured else []
    mappings = _mappings(request, context, paths)
    if device is None or mappings is None:
        return None
    channel = whole(request.POST, "channel")
    checked = [
        check_file(path, path.name, mapping, device, given, channel, request.user)
        for path, mapping in zip(paths, mappings, strict=True)
    ]
    parts = [(one.name, part) for one in checked for part in one.parts]
    context["parts"] = parts[:MOST_FILES]
    context["notes"] = [note for one in checked for note in one.notes][:MOST_FILES]
    context["lacking"] = {key for one in checked for key in one.lacking}
    if parts:
        context["chart"] = preview_chart(parts[0][1])
    allow = [what for what in ALLOWED if f"allow-{what}" in request.POST]
    try:
        refuse(checked, allow)
    except ForeignRefused as error:
        lacks = {fault for one in checked for fault in one.faults} if context["lacking"] else set()
        asked = {text for one in checked for texts in one.questions.values() for text in texts}
        faults += [fault for fault in error.faults if fault not in lacks | asked]
        context["questions"] = [
            (what, [text for one in checked for text in one.questions.get(what, [])])
            for what in error.asked
        ]
        if request.POST.get("action") == "import":
            faults += [fault for fault in error.faults if fault in lacks]
        return None
    if request.POST.get("action") != "import" or faults:
        return None
    when = moment(measured)
    run = take_in(
        checked, device, given=given, channel=channel, by=person(request), measured_at=when
    )
    shutil.rmtree(_folder() / token, ignore_errors=True)
    messages.success(request, _("The files are being converted and analysed."))
    return redirect(run)


def _mappings(request: HttpRequest, context: dict[str, Any], paths: list[Path]) -> list[Any] | None:
    """The chosen mapping for all files, or one for each as it is proposed; None where one lacks."""
    from mppcqa.tables import TableError
    from mppcqa.tables.propose import propose

    faults: list[str] = context["faults"]
    name = request.POST.get("mapping", "")
    found: list[Any] = []
    try:
        if name:
            chosen = find_mapping(name)
            context["chosen"] = chosen.name
            return [_counting(request, chosen)] * len(paths)
        reasons: list[str] = []
        for path in paths:
            one = propose(path, context["mappings"])
            for doubt in list(one.doubts):
                unit = request.POST.get(f"unit-of-{doubt.column}", "").strip()
                if unit:
                    one = one.with_unit(doubt.column, unit)
            reasons += [reason for reason in one.reasons if reason not in reasons]
            if one.certain:
                found.append(_counting(request, one.mapping))
                continue
            context.setdefault("doubts", []).extend(
                (path.name, doubt) for doubt in one.doubts if len(found) < COLUMNS
            )
            if one.mapping is None:
                faults += [f"{path.name}: {doubt}" for doubt in one.doubts]
        context["reasons"] = reasons
        context["chosen"] = ", ".join(dict.fromkeys(one.name for one in found))
    except TableError as error:
        faults.append(str(error))
        return None
    return found if len(found) == len(paths) else None


def _counting(request: HttpRequest, mapping: Any) -> Any:
    """A mapping with the number of the first channel as a person says it."""
    first = request.POST.get("channels_from", "")
    return replace(mapping, channels_from=int(first)) if first in ("0", "1") else mapping


def preview_chart(part: Any) -> dict[str, Any]:
    """What the first part looks like: its spectrum, first waveform, or curve."""
    import numpy as np

    from mppcqa import charts
    from mppcqa.charts import explore

    if part.charges is not None:
        values = part.charges[:, 0]
        counts, edges = np.histogram(values[np.isfinite(values)], 400)
        drawn = charts.spectrum(
            edges.tolist(), counts.tolist(), title="", x_title=_("Charge"), unit="ADC"
        )
    elif part.waveforms is not None:
        samples = part.waveforms[0]
        step = max(1, len(samples) // 4000)
        times = np.arange(len(samples)) * part.sample_s * 1e9
        drawn = explore.trace(
            times[::step], samples[::step], x_title=_("Time"), y_title=_("Signal"), unit=""
        )
    elif part.staircase is not None:
        scan = part.staircase
        drawn = explore.iv_curve(
            {"": (scan.threshold, scan.rate_hz)}, [], x_title=_("Threshold"),
            y_title=_("Rate"), units=(scan.unit, "Hz"),
        )  # fmt: skip
    else:
        curve = {"": (part.curve.bias_v, part.curve.current_a)}
        drawn = explore.iv_curve(curve, [], x_title=_("Voltage"), y_title=_("Current"))
    return place_chart("preview", _("The first of them"), drawn)


def _new_mapping(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Keep a mapping that was put together in the form."""
    from mppcqa.tables import TableError

    post = request.POST
    columns = []
    for row in range(COLUMNS):
        source = post.get(f"source-{row}", "").strip()
        if source:
            scale = number(post.get(f"scale-{row}", ""))
            columns.append(
                {
                    "source": source,
                    "role": post.get(f"role-{row}", ""),
                    "unit": post.get(f"unit-{row}", "").strip(),
                    "scale": 1.0 if scale is None else scale,
                    "channel": whole(post, f"channel-{row}") or 0,
                }
            )
    document = {
        "name": post.get("name", "").strip(),
        "format": post.get("format", ""),
        "kind": post.get("kind", ""),
        "tree": post.get("tree", "").strip(),
        "columns": columns,
        "axes": more_axes(str(column["role"]) for column in columns),
        "stage": post.get("stage", ""),
        "conditions": {
            name: {"value": value}
            for name in ("sample_s", "gate_s")
            if (value := number(post.get(name, ""))) is not None
        },
    }
    try:
        with transaction.atomic():
            former = ForeignMapping.objects.filter(name=document["name"]).first()
            edit = begin(request, former, _mapping_parts(former), reverse("foreign"))
            if edit.conflict:
                return edit.both()
            row_ = save_mapping(document, by=person(request))
            edit.saved(row_, _mapping_parts(row_))
    except TableError as error:
        context["faults"] += str(error).split("; ")
        context["making"] = True
        return render(request, "web/foreign/foreign.html", context, status=422)
    messages.success(request, _("The mapping %s is saved.") % row_.name)
    return redirect("foreign")


def _mapping_parts(former: ForeignMapping | None) -> list[Part]:
    """A mapping of the same name, which would be replaced."""
    if former is None:
        return []
    text = json.dumps(former.document, sort_keys=True, ensure_ascii=False)
    return [part("document", former.name, text, only_seen=True)]
