"""ATLAS ITk's production database (itkdb): components with their test runs.

A component is looked for by its serial number before it is registered. A test run needs a verdict:
`passed` is what was judged here, and a device that was not judged is not sent as either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.exchange.campaigns.base import Database, Json, Row, SendRefused, Service
from mppcqa.results.models import Outcome, Standing


def component_of(document: Json, settings: Mapping[str, Any]) -> Json:
    """The body that registers a component."""
    return {
        "project": settings["project"],
        "subproject": settings["subproject"],
        "institution": settings["institution"],
        "componentType": settings["component_type"],
        "type": settings["type"],
        "serialNumber": document["serial"],
        "properties": {key.upper(): value for key, value in document.get("facts", {}).items()},
    }


def run_of(serial: str, test: Json, settings: Mapping[str, Any], outcome: str) -> Json:
    """The body of a test run; a result is a list with a row a channel and condition."""
    results: dict[str, list[Json]] = {}
    for row in test["results"]:
        rest = {key: value for key, value in row.items() if key != "quantity"}
        results.setdefault(row["quantity"].upper(), []).append(rest)
    return {
        "component": serial,
        "testType": settings.get("tests", {}).get(test["stage"], test["stage"].upper()),
        "institution": settings["institution"],
        "runNumber": test["analysis"],
        "passed": outcome in (Outcome.PASS, Outcome.WARNING),
        "problems": outcome == Outcome.WARNING,
        "properties": {},
        "results": results,
    }


def outcome_of(serial: str, test: Json) -> str:
    """What a device was judged at a stage. Raises `SendRefused` where it was not."""
    row = Standing.objects.filter(device__serial=serial, stage=test["stage"]).first()
    if row is None or row.outcome not in (Outcome.PASS, Outcome.WARNING, Outcome.FAIL):
        raise SendRefused(_("it has no verdict at %s; judge it first") % test["stage"])
    return str(row.outcome)


def send(document: Json, settings: Mapping[str, Any], service: Service | None) -> Iterator[Row]:
    serial = document["serial"]
    there = _find(serial, service) if service else None
    if there:
        yield Row(serial, "component", "there", str(there.get("code", "")))
    else:
        made: Json = {}
        if service:
            body = component_of(document, settings)
            made = service.post("/registerComponent", body).get("component", {})
        yield Row(serial, "component", "new", str(made.get("code", "")))
    known = {one.get("runNumber") for one in _runs(there)}
    for test in document.get("tests", ()):
        name = str(settings.get("tests", {}).get(test["stage"], test["stage"].upper()))
        if test["analysis"] in known:
            yield Row(serial, name, "there")
            continue
        try:
            body = run_of(serial, test, settings, outcome_of(serial, test))
            answer = service.post("/uploadTestRunResults", body) if service else {}
            identity = str(answer.get("testRun", {}).get("id", ""))
            yield Row(serial, name, "sent" if service else "new", identity)
        except SendRefused as error:
            yield Row(serial, name, "refused", why=str(error))


def _find(serial: str, service: Service) -> Json | None:
    try:
        found: Json = service.post("/getComponent", {"component": serial})
    except SendRefused as error:
        if str(error).startswith("404"):
            return None
        raise
    return found


def _runs(component: Json | None) -> Iterator[Json]:
    for kind in (component or {}).get("tests", []):
        yield from kind.get("testRuns", [])


DATABASE = Database(
    "itk",
    "ATLAS ITk production database",
    ("project", "subproject", "institution", "component_type", "type"),
    send,
)
