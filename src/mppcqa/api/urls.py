"""Addresses of the API. It is described by ``/api/v1/openapi.json``."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import mppcqa
from mppcqa.api import (
    bringing,
    catalogue,
    deciding,
    device_acts,
    device_changing,
    hooks,
    kept,
    labels,
    me,
    measurements,
    packing,
    places,
    queue,
    registering,
    results,
    run_acts,
    runs,
    task_asking,
)
from mppcqa.api.asking import PersonBearer
from mppcqa.api.described import Bodies, DescribedAPI
from mppcqa.api.limits import TokenRate, UploadQuota
from mppcqa.api.lists import only_known
from mppcqa.api.problems import answer_with_problems, problem
from mppcqa.api.station.views import router as station

RATE = "100/s"
PERSONS = (
    ("/me", me.router),
    ("/devices", registering.router),
    ("/moves", device_acts.moves),
    ("/cases", device_acts.cases),
    ("/records", device_acts.records),
    ("/measurements", measurements.router),
    ("/verdicts", results.verdicts),
    ("/analyses", results.analyses),
    ("/reanalyses", deciding.reanalyses),
    ("/limits", results.limits),
    ("/stages", results.stages),
    ("/runs", runs.runs),
    ("/files", runs.files),
    ("/attachments", runs.attachments),
    ("/stations", runs.stations),
    ("/trays", places.trays),
    ("/shipments", places.shipments),
    ("/tasks", queue.router),
    ("/routines", task_asking.routines),
    ("/schedules", task_asking.schedules),
    ("/plans", bringing.plans),
    ("/uploads", bringing.uploads),
    ("/reports", kept.reports),
    ("/exports", kept.exports),
    ("/labels", labels.router),
    ("/catalogue", catalogue.router),
    ("/webhooks", hooks.hooks),
)
"""What programs of persons ask for; stations have a part of their own."""
ACTS = (deciding, device_changing, packing, run_acts)
"""Modules whose operations stand on the routers of others."""

api = DescribedAPI(
    title="mppcqa",
    version=mppcqa.__version__,
    description="Quality assurance of MPPCs. Errors are application/problem+json (RFC 9457).",
    urls_namespace="api-v1",
    docs_url=None,  # its pages come from another host
    parser=Bodies(),
)
answer_with_problems(api)
api.add_router("/station", station)
for _path, _router in PERSONS:
    _router.add_decorator(only_known)
    api.add_router(_path, _router, auth=PersonBearer(), throttle=[TokenRate(RATE), UploadQuota()])


@login_not_required
@csrf_exempt
def nothing(request: HttpRequest, rest: str) -> HttpResponse:
    """Every other address."""
    return problem(404, f"There is nothing at {request.path}; /api/v1/openapi.json says what is.")


_patterns, _app, _namespace = api.urls
for _pattern in _patterns:
    if _pattern.callback is not None:
        login_not_required(_pattern.callback)  # tokens, not sessions
urlpatterns = [
    path("api/v1/", (_patterns, _app, _namespace)),
    path("api/<path:rest>", nothing),
]
