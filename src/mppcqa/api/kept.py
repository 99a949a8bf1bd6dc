"""What was written and kept: reports and exports, listed and fetched; lists written as files."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from mppcqa.api.asking import one_of, who
from mppcqa.api.lists import ListQuery, Page, Text, page_of
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.exchange.exports import ask_export
from mppcqa.exchange.lists import LISTS
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import content_type, writers
from mppcqa.inventory.scope import scope_of
from mppcqa.refused import Fault
from mppcqa.reports.models import Report
from mppcqa.reports.seen import sees_all
from mppcqa.results.selection import DEVICE_FILTERS, RUN_FILTERS
from mppcqa.web.asking.fields import seen_rows
from mppcqa.web.downloads import stored_file
from mppcqa.web.exports.listing import EXPORTS
from mppcqa.web.reports.listing import REPORTS

reports, exports = (Router(tags=["documents"]) for _one in range(2))
PDF: Any = {
    "responses": {
        200: {
            "description": "OK",
            "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}
BYTES: Any = {
    "responses": {
        200: {
            "description": "OK",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in sorted({content_type(one) for one in (*writers(), "")})
            },
        }
    }
}


class ReportRow(Schema):
    """A report that was kept."""

    id: int
    title: str | None = None
    kind: str | None = None
    about: str | None = Field(None, description="The kind of thing that it is about.")
    language: str | None = None
    paper: str | None = None
    made_at: dt.datetime | None = None
    sha256: str | None = None


class Reports(Page):
    """A page of reports."""

    items: list[ReportRow]


class ReportQuery(ListQuery):
    """Filters of reports."""

    q: Text = Field("", description="How the title begins.")
    kind: Text = ""
    language: Text = ""


def _reports(rows: list[Any]) -> list[dict[str, Any]]:
    names = ("title", "kind", "language", "paper", "made_at", "sha256")
    return [
        {
            "id": row.pk,
            "about": row.about_model,
            **{name: getattr(row, name) for name in names},
        }
        for row in rows
    ]


@reports.get("", response=Reports, summary="List reports", exclude_unset=True)
def report_list(request: HttpRequest, asked: Query[ReportQuery]) -> Any:
    """Reports that were kept; a new one is asked for as a task of `reports.write`."""
    return page_of(request, Reports, REPORTS, asked, _reports)


@reports.get("/{number}/file", response={200: None}, summary="A report", openapi_extra=PDF)
def report(request: HttpRequest, number: Path[Number]) -> Any:
    """As it was written, byte for byte."""
    user = who(request)
    row = one_of(Report.objects.all(), "report", pk=number)
    if scope_of(user).bound:
        about = seen_rows(row.about_model, user).filter(pk=row.about_id).first()
        if about is None or not sees_all(user, about):
            raise HttpError(404, f"There is no report {number}, or you do not see it.")
    name = f"{row.title} {row.kind} {row.made_at:%Y-%m-%d}.pdf"
    return stored_file(row, name, "application/pdf")


class ExportOut(Schema):
    """A list as a file."""

    id: int
    file: str | None = None
    what: str | None = None
    rows: int | None = None
    size: int | None = None
    sha256: str | None = Field(None, description="Empty until it is written.")
    task: int | None = Field(None, description="The task that writes it, where one does.")
    asked_at: dt.datetime | None = None


class ExportAsked(ExportOut):
    """An export as it was just asked for."""

    removed: list[str] = Field(description="Your older exports that made room for it.")


class Exports(Page):
    """A page of your exports."""

    items: list[ExportOut]


def _exports(rows: list[Any]) -> list[dict[str, Any]]:
    names = ("what", "rows", "size", "sha256", "asked_at")
    return [
        {
            "id": row.pk,
            "file": row.filename,
            "task": row.task_id,
            **{name: getattr(row, name) for name in names},
        }
        for row in rows
    ]


@exports.get("", response=Exports, summary="List your exports", exclude_unset=True)
def export_list(request: HttpRequest, asked: Query[ListQuery]) -> Any:
    """Files that you asked for, the newest first."""
    return page_of(request, Exports, EXPORTS, asked, _exports)


class ExportIn(Said):
    """Which list, how."""

    what: Text = Field(examples=["devices"])
    format: Text = Field("csv", examples=["parquet"])
    filters: dict[Text, Text] = Field({}, description="As the list's address has them.")


@exports.post("", response={201: ExportAsked}, summary="Write a list as a file")
@once
def export(request: HttpRequest, said: ExportIn) -> Any:
    """A short list is written at once, a long one by a task. Values: rather `/measurements`."""
    user = who(request)
    known = RUN_FILTERS if said.what == "runs" else DEVICE_FILTERS
    given = (
        ("what", said.what, list(LISTS)),
        ("format", said.format, list(writers())),
        *((f"filters.{one}", one, list(known)) for one in said.filters),
    )
    text = "There is no “{}” here; there is: {}."
    if faults := [
        Fault(text.format(one, ", ".join(there)), field=field)
        for field, one, there in given
        if one not in there
    ]:
        raise Faulty(faults)
    row = ask_export(said.what, said.format, said.filters, by=user)
    return Status(201, {**_exports([row])[0], "removed": list(row.removed)})


@exports.get("/{number}/file", response={200: None}, summary="An export", openapi_extra=BYTES)
def export_file(request: HttpRequest, number: Path[Number]) -> Any:
    """The file of an export of your own; 404 until it is written."""
    row = one_of(Export.objects.filter(asked_by=who(request)).exclude(file=""), "export", pk=number)
    return stored_file(row, row.filename, content_type(row.form))
