"""A selection of a run to take away: values or events, as CSV, Parquet or ROOT."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.results.references import stored_axes
from mppcqa.runs.models import Run
from mppcqa.stages.numbers import SIGNS
from mppcqa.views.explore import RunView, run_view
from mppcqa.web.reading import whole

BEFORE, AFTER = (
    ("serial", "channel", "quantity", "unit"),
    ("value", "statistical", "systematic", "bound", "method"),
)
"""Columns of values before those of the axes, and after them."""


@require_GET
def take(request: HttpRequest, pk: int) -> HttpResponseBase:
    """``?what=values|events|quicklook&format=csv|parquet|root``, of a slot and point or all."""
    from mppcqa.runfile import RunFileError

    run = get_object_or_404(Run.objects.visible_to(request.user), pk=pk)
    what, form = request.GET.get("what", "values"), request.GET.get("format", "csv")
    slot = whole(request.GET, "slot")
    try:
        if what in ("events", "quicklook"):
            return _events(run, form, slot, whole(request.GET, "point"), what)
        return _values(run_view(run, request.GET.get("analysis")), form, slot)
    except RunFileError as error:
        messages.error(request, str(error))
        return redirect("run_explore", pk)


def _name(run: Run, what: str, slot: int | None, ending: str) -> str:
    return f"run-{run.pk}{f'-slot-{slot}' if slot is not None else ''}-{what}.{ending}"


def _values(view: RunView, form: str, slot: int | None) -> HttpResponseBase:
    slots = None if slot is None else [slot]
    axes = stored_axes()
    head = (*BEFORE, *axes, *AFTER)
    if form == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        columns = list(map(list, zip(*_rows(view, slots, axes), strict=True)))
        table = pa.table(dict(zip(head, columns or [[] for _c in head], strict=True)))
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        buffer.seek(0)
        return FileResponse(
            buffer, as_attachment=True, filename=_name(view.run, "values", slot, "parquet")
        )
    response = StreamingHttpResponse(
        _csv_lines(head, _rows(view, slots, axes)), content_type="text/csv; charset=utf-8"
    )
    name = _name(view.run, "values", slot, "csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _rows(view: RunView, slots: list[int] | None, axes: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Values in their stored units, a quantity at a time."""
    for key, shown in view.known.items():
        unit = view.rows[key].unit
        method = view.analysis.methods.get(key, "") if view.analysis else ""
        for one in view.values(key, slots):
            at = view.conditions[one.condition].at
            error = None if one.statistical is None else one.statistical / shown.scale
            yield (
                view.devices[one.slot].serial,
                one.channel,
                key,
                unit,
                *(at.get(axis) for axis in axes),
                one.value / shown.scale,
                error,
                one.systematic / shown.scale,
                SIGNS[one.bound],
                method,
            )


def _csv_lines(head: Any, rows: Iterator[tuple[Any, ...]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    for row in rows:
        writer.writerow(["" if cell is None else cell for cell in row])
        if buffer.tell() > 65536:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _events(
    run: Run, form: str, slot: int | None, point: int | None, what: str
) -> HttpResponseBase:
    """A selection, written to a temporary file in bounded memory and sent from there.

    Its events, or a quick look at their spectra: histograms and fits that ROOT shows.
    """
    from mppcqa.exchange.run_selection import WRITERS
    from mppcqa.runfile import RunFileError, write_quicklook
    from mppcqa.stages.cell import quicklook_histograms
    from mppcqa.views.cells import open_run, run_file_of

    if form not in WRITERS or (what == "quicklook" and form != "root"):
        raise RunFileError(_("Choose ROOT, Parquet or CSV."))
    row = run_file_of(run)
    if row is None:
        raise RunFileError(_("This run has no run file."))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events.{form}"
        with open_run(row) as opened:
            if what == "quicklook":
                write_quicklook(path, quicklook_histograms(opened, slot, point))
            else:
                WRITERS[form](opened, path, slot, point)
        # An open file stays readable after its folder is gone.
        return FileResponse(
            path.open("rb"), as_attachment=True, filename=_name(run, what, slot, form)
        )
