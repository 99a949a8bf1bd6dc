"""Files of other programs: upload, choose or make a mapping, look, import."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.testing.actions import find_device
from mppcqa.testing.foreign import ForeignRefused, complete, import_foreign, lacking
from mppcqa.testing.mappings import all_mappings, find_mapping, save_mapping
from mppcqa.web.access import allowed
from mppcqa.web.charting import place_chart
from mppcqa.web.explorer_data import number, whole

MOST_FILES = 200
MOST_BYTES = 2_000_000_000
KEPT_S = 24 * 3600
COLUMNS = 6
CONDITIONS = ("bias_v", "temperature_c", "light")


def _folder() -> Path:
    return Path(settings.MPPCQA_HOME) / "uploads"


def _keep(files: list[UploadedFile]) -> str:
    """Put an upload aside until it is imported; what was left a day ago is removed."""
    for old in _folder().glob("*"):
        if time.time() - old.stat().st_mtime > KEPT_S:
            shutil.rmtree(old, ignore_errors=True)
    token = secrets.token_hex(16)
    folder = _folder() / token
    folder.mkdir(parents=True)
    for number_, file in enumerate(files):
        place = folder / f"{number_:03d}"
        place.mkdir()
        name = Path((file.name or "file").replace("\\", "/")).name[:150].lstrip(".") or "file"
        with (place / name).open("wb") as target:
            for piece in file.chunks():
                target.write(piece)
    return token


def _kept(token: str) -> list[Path]:
    """Files of an upload that was put aside; none where it is gone."""
    if not re.fullmatch(r"[0-9a-f]{32}", token):
        return []
    return sorted(path for path in (_folder() / token).glob("*/*") if path.is_file())


def _given(request: HttpRequest) -> dict[str, float]:
    """Conditions that a person typed."""
    found = {}
    for name in CONDITIONS:
        value = number(request.POST.get(name, "").replace(",", "."))
        if value is not None and abs(value) < 1e4:
            found[name] = value
    return found


@require_http_methods(["GET", "POST"])
@allowed("testing.add_run")
def foreign(request: HttpRequest) -> HttpResponse:
    """Upload and look first, import when it looks right; a broken file is named and kept out."""
    context: dict[str, Any] = {
        "mappings": all_mappings(),
        "asked": request.POST or request.GET,
        "faults": [],
        "rows": range(COLUMNS),
    }
    if request.method == "POST":
        if request.POST.get("action") == "mapping":
            return _new_mapping(request, context)
        answer = _look(request, context)
        if answer is not None:
            return answer
    status = 422 if context["faults"] else 200
    return render(request, "web/foreign.html", context, status=status)


def _look(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """Read what was uploaded; with the action ``import`` and no fault, take it in."""
    from mppcqa.runfile.foreign import ForeignError, guess_mapping, look_at

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
    device = find_device(request.POST.get("device", ""))
    if device is None:
        faults.append(_("%s is not registered; register it first") % request.POST.get("device", ""))
    name = request.POST.get("mapping", "")
    try:
        mapping = find_mapping(name) if name else guess_mapping(paths[0], context["mappings"])
    except ForeignError as error:
        faults.append(str(error))
        return None
    if mapping is None:
        faults.append(_("%s tells nothing of its format: choose a mapping.") % paths[0].name)
        return None
    context["chosen"] = mapping
    given = _given(request)
    parts: list[tuple[str, Any]] = []
    for path in paths:
        try:
            parts += [(path.name, part) for part in complete(look_at(path, mapping), given)]
        except ForeignError as error:
            faults.append(str(error))
    context["parts"] = parts[:MOST_FILES]
    context["lacking"] = lacking([part for _name, part in parts])
    if parts:
        context["chart"] = preview_chart(parts[0][1])
    if request.POST.get("action") != "import" or faults or device is None:
        return None
    try:
        run = import_foreign(
            paths, mapping, device, given=given, channel=whole(request.POST, "channel"),
            by=request.user,
        )  # fmt: skip
    except ForeignRefused as error:
        faults += error.faults
        return None
    shutil.rmtree(_folder() / token, ignore_errors=True)
    messages.success(request, _("The files are being converted and analysed."))
    return redirect(run)


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
            times[::step], samples[::step] * 1e3, x_title=_("Time"), y_title=_("Signal"), unit="mV"
        )
    else:
        curve = {"": (part.curve.bias_v, part.curve.current_a)}
        drawn = explore.iv_curve(curve, [], x_title=_("Voltage"), y_title=_("Current"))
    return place_chart("preview", _("The first of them"), drawn)


def _new_mapping(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Keep a mapping that was put together in the form."""
    from mppcqa.runfile.foreign import ForeignError

    post = request.POST
    columns = []
    for row in range(COLUMNS):
        source = post.get(f"source-{row}", "").strip()
        if source:
            scale = number(post.get(f"scale-{row}", "").replace(",", "."))
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
        "conditions": {
            name: {"value": value}
            for name in ("sample_s", "gate_s")
            if (value := number(post.get(name, "").replace(",", "."))) is not None
        },
    }
    try:
        row_ = save_mapping(document, by=request.user)
    except ForeignError as error:
        context["faults"] += str(error).split("; ")
        context["making"] = True
        return render(request, "web/foreign.html", context, status=422)
    messages.success(request, _("The mapping %s is saved.") % row_.name)
    return redirect("foreign")
