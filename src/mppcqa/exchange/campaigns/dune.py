"""DUNE's Hardware Database: items of a component type with their tests, by its REST API.

An item is looked for by its serial number before it is made, so that sending again makes nothing
twice; a test whose analysis is there already is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mppcqa.exchange.campaigns.base import Database, Json, Row, SendRefused, Service, part_of


def item_of(document: Json, settings: Mapping[str, Any]) -> Json:
    """The body that makes an item."""
    return {
        "component_type": {"part_type_id": settings["part_type_id"]},
        "country_code": settings["country_code"],
        "institution": {"id": settings["institution_id"]},
        "manufacturer": {"id": settings["manufacturer_id"]},
        "serial_number": document["serial"],
        "comments": settings.get("comments", ""),
        "specifications": {"DATA": document.get("facts", {})},
        "subcomponents": {},
    }


def test_of(test: Json, settings: Mapping[str, Any]) -> Json:
    """The body of a test; its type is what the campaign calls the stage."""
    return {
        "test_type": settings.get("tests", {}).get(test["stage"], test["stage"]),
        "comments": settings.get("comments", ""),
        "test_data": {"Analysis": test["analysis"], "DATA": test["results"]},
    }


def send(document: Json, settings: Mapping[str, Any], service: Service | None) -> Iterator[Row]:
    serial = document["serial"]
    part = _find(serial, settings, service) if service else ""
    if part:
        yield Row(serial, "item", "there", part)
    else:
        body = item_of(document, settings)
        if service:
            kind = part_of(str(settings["part_type_id"]))
            made = service.post(f"/api/v1/component-types/{kind}/components", body)
            part = str(made.get("part_id", ""))
            if not part:
                raise SendRefused(f"no part_id in the answer: {made}")
        yield Row(serial, "item", "new", part)
    for test in document.get("tests", ()):
        body = test_of(test, settings)
        name = body["test_type"]
        if service is None:
            yield Row(serial, name, "new")
            continue
        try:
            yield _test(serial, part, body, service)
        except SendRefused as error:
            yield Row(serial, name, "refused", why=str(error))


def _find(serial: str, settings: Mapping[str, Any], service: Service) -> str:
    """The part id of an item with this serial number; empty where there is none."""
    kind = part_of(str(settings["part_type_id"]))
    found = service.get(f"/api/v1/component-types/{kind}/components", {"serial_number": serial})
    same = [one for one in found.get("data", []) if one.get("serial_number") == serial]
    return str(same[0].get("part_id", "")) if same else ""


def _test(serial: str, part: str, body: Json, service: Service) -> Row:
    place = f"/api/v1/components/{part_of(part)}/tests"
    name, analysis = body["test_type"], body["test_data"]["Analysis"]
    for one in service.get(place).get("data", []):
        kind = one.get("test_type")
        called = kind.get("name") if isinstance(kind, dict) else kind
        if called == name and (one.get("test_data") or {}).get("Analysis") == analysis:
            return Row(serial, name, "there", str(one.get("id", "")))
    made = service.post(place, body)
    return Row(serial, name, "sent", str(made.get("test_id", "")))


DATABASE = Database(
    "dune",
    "DUNE Hardware Database",
    ("part_type_id", "country_code", "institution_id", "manufacturer_id"),
    send,
)
