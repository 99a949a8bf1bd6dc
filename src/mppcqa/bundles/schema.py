"""What the documents of a bundle must look like, as JSON schemas. `docs/bundles.md` explains."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from mppcqa.bundles.refusal import BundleRefused

TEXT = {"type": "string", "maxLength": 100_000}
NAME = {"type": "string", "minLength": 1, "maxLength": 100}
MAYBE = {"anyOf": [NAME, {"type": "null"}]}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
MAYBE_UUID = {"anyOf": [UUID, {"type": "null"}]}
SHA = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
MOMENT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00$",
}
MAYBE_MOMENT = {"anyOf": [MOMENT, {"type": "null"}]}
COUNT = {"type": "integer", "minimum": 0, "maximum": 1 << 53}
SMALL = {"type": "integer", "minimum": 0, "maximum": 32_767}
MAYBE_SMALL = {"anyOf": [SMALL, {"type": "null"}]}
INDEX = {"anyOf": [COUNT, {"type": "null"}]}
NUMBER = {"anyOf": [{"type": "number"}, {"type": "null"}]}
OBJECT = {"type": "object"}
STAGE = {"type": "string", "minLength": 1, "maxLength": 50}
OUTCOME = {"enum": ["pass", "warning", "fail", "incomplete"]}


def _object(**fields: Any) -> dict[str, Any]:
    """All fields must be there; others may (they are of a later program of the same format)."""
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def _list(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


FITS = {
    "type": "object",
    "additionalProperties": _list(
        {
            "type": "object",
            "required": ["channel"],
            "properties": {
                "channel": SMALL,
                "at": {"type": "string", "maxLength": 250},
                **dict.fromkeys(("chi2", "p_value", "events", "left_out"), NUMBER),
                "ndf": INDEX,
                **dict.fromkeys(("free", "seen"), _list({"type": "string", "maxLength": 200})),
                "second_ways": {
                    "type": "object",
                    "additionalProperties": {**_list(NUMBER), "minItems": 4, "maxItems": 4},
                },
                "fault": {"type": "string", "maxLength": 500},
            },
        }
    ),
}
"""Records of fits by device; programs that kept none send none."""


SIGNED = _list(
    _object(
        uuid=UUID,
        act={"enum": ["sign_off", "shipment"]},
        of=UUID,
        named={"type": "string", "maxLength": 200},
        meaning={
            "type": "object",
            "maxProperties": 20,
            "additionalProperties": {"type": "string", "maxLength": 2000},
        },
        signatures={
            **_list(
                _object(
                    name={"type": "string", "maxLength": 200},
                    at=MOMENT,
                    method={"type": "string", "maxLength": 20},
                )
            ),
            "minItems": 1,
            "maxItems": 10,
        },
        done_at=MOMENT,
    )
)
"""What was signed; programs that knew no signatures send none."""


SCHEMAS: dict[str, Any] = {
    "manifest": _object(
        bundle=UUID,
        number={"type": "integer", "minimum": 1, "maximum": (1 << 31) - 1},
        sender=_object(installation=UUID, name=NAME),
        installations={"type": "object", "additionalProperties": NAME},
        made_at=MOMENT,
        mppcqa=TEXT,
        shipment=UUID,
        counts=OBJECT,
        contents=_list(_object(name=NAME, size=COUNT, sha256=SHA)),
    ),
    "inventory": _object(
        institutes=_list(_object(name=NAME, address=TEXT)),
        makers=_list(NAME),
        types=_list(
            _object(
                name=NAME,
                maker=MAYBE,
                rows=SMALL,
                columns=SMALL,
                channel_order=_list(SMALL),
                nominal_breakdown_v=NUMBER,
                serial_pattern=TEXT,
                serial_check={"type": "string", "maxLength": 10},
                serial_next={"type": "string", "maxLength": 100},
                description=TEXT,
            )
        ),
        lots=_list(_object(name=NAME, maker=MAYBE, maker_values=OBJECT)),
        trays=_list(_object(name=NAME, rows=SMALL, columns=SMALL, lot=INDEX, location=MAYBE)),
        devices=_list(
            _object(
                uuid=UUID,
                known_as=_list(UUID),
                origin=UUID,
                serial={"type": "string", "pattern": r"^[0-9A-Z][0-9A-Z._:+-]{0,63}$"},
                former=_list(
                    _object(
                        serial={"type": "string", "pattern": r"^[0-9A-Z][0-9A-Z._:+-]{0,63}$"},
                        reason={"type": "string", "maxLength": 200},
                        changed_at=MOMENT,
                    )
                ),
                type=NAME,
                lot=INDEX,
                tray=INDEX,
                tray_row=MAYBE_SMALL,
                tray_column=MAYBE_SMALL,
                location=MAYBE,
                owner=MAYBE,
                parent=MAYBE_UUID,
                maker_serial={"type": "string", "maxLength": 100},
                maker_values=OBJECT,
                installed=OBJECT,
                tags=_list({"type": "string", "minLength": 1, "maxLength": 50}),
                registered_at=MOMENT,
            )
        ),
        shipments=_list(
            _object(
                uuid=UUID,
                origin_installation=UUID,
                origin=NAME,
                destination=NAME,
                reference={"type": "string", "maxLength": 100},
                note=TEXT,
                packed_at=MOMENT,
                sent_at=MAYBE_MOMENT,
                received_at=MAYBE_MOMENT,
                devices=_list(UUID),
                missing=_list(UUID),
                differences=_list(
                    _object(
                        what={"enum": ["missing", "unexpected", "damaged"]},
                        serial={"type": "string", "minLength": 1, "maxLength": 64},
                        note={"type": "string", "maxLength": 300},
                        noted_at=MOMENT,
                        settled_at=MAYBE_MOMENT,
                    )
                ),
            )
        ),
    ),
    "results": _object(
        stages={"type": "object", "additionalProperties": TEXT},
        quantities=_list(
            _object(
                stage=STAGE,
                key={"type": "string", "minLength": 1, "maxLength": 60},
                title=NAME,
                symbol={"type": "string", "maxLength": 30},
                unit={"type": "string", "maxLength": 20},
            )
        ),
        conditions=_list({"type": "string", "maxLength": 250}),
        runs=_list(
            _object(
                uuid=UUID,
                origin=UUID,
                stage=STAGE,
                parameters=OBJECT,
                note=TEXT,
                created_at=MOMENT,
                facts=OBJECT,
                slots=_list({"type": "array", "prefixItems": [SMALL, UUID], "minItems": 2}),
            )
        ),
        files=_list(
            _object(
                sha256=SHA,
                size=COUNT,
                name={"type": "string", "maxLength": 200},
                kind={"enum": ["run", "import", "checklist", "picture"]},
                run=MAYBE_UUID,
                added_at=MOMENT,
                entry=MAYBE,
            )
        ),
        analyses=_list(
            _object(
                uuid=UUID,
                origin=UUID,
                file=SHA,
                stage=STAGE,
                version={"type": "string", "maxLength": 50},
                code_version={"type": "string", "maxLength": 50},
                parameters=OBJECT,
                methods=OBJECT,
                problems=_list(OBJECT),
                shared=OBJECT,
                made_at=MOMENT,
                facts=OBJECT,
                devices=_list(UUID),
            )
            | {"dependentSchemas": {"fits": {"properties": {"fits": FITS}}}}
        ),
        counting=_list(
            {"type": "array", "prefixItems": [UUID, STAGE, UUID], "minItems": 3, "maxItems": 3}
        ),
    ),
    "verdicts": _object(
        limits=_list(OBJECT),
        verdicts=_list(
            _object(
                uuid=UUID,
                origin=UUID,
                device=UUID,
                stage=STAGE,
                analysis=UUID,
                limits=COUNT,
                outcome=OUTCOME,
                details=_list(OBJECT),
                judged_at=MOMENT,
                stands={"type": "boolean"},
                waiver=OBJECT,
            )
        ),
    )
    | {"dependentSchemas": {"signed": {"properties": {"signed": SIGNED}}}},
}


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


def check_document(name: str, document: Any) -> None:
    """Raise `BundleRefused` where a document is not as its schema wants it."""

    error = next(_validator(name).iter_errors(document), None)
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "/"
        raise BundleRefused(
            _("%(name)s of the bundle is not as it must be, at %(place)s: %(what)s")
            % {"name": name, "place": place[:80], "what": error.message[:200]}
        )


def check_references(*, inventory: Any, results: Any, verdicts: Any) -> None:
    """Raise `BundleRefused` where a document names what no document has, or no moment."""
    names = {one["name"] for one in inventory["institutes"]}
    makers = {*inventory["makers"], None}
    types = {one["name"] for one in inventory["types"]}
    lots, trays = (_indices(inventory[name]) for name in ("lots", "trays"))
    for one in (*inventory["types"], *inventory["lots"]):
        _known(one["maker"], makers)
    for one in inventory["trays"]:
        _known(one["lot"], lots)
        _known(one["location"], {*names, None})
    for one in inventory["devices"]:
        _known(one["type"], types)
        _known(one["lot"], lots)
        _known(one["tray"], trays)
        _known(one["location"], {*names, None})
        _known(one["owner"], {*names, None})
    for one in inventory["shipments"]:
        _known(one["origin"], names)
        _known(one["destination"], names)
    runs = {None, *(one["uuid"] for one in results["runs"])}
    files = {one["sha256"] for one in results["files"]}
    for one in results["files"]:
        _known(one["run"], runs)
    for one in results["analyses"]:
        _known(one["file"], files)
        _known(one["stage"], set(results["stages"]))
    for list_of in (*inventory.values(), *results.values(), *verdicts.values()):
        _each_once(list_of)
    _moments(inventory)
    _moments(results)
    _moments(verdicts)


def _indices(rows: list[Any]) -> set[int | None]:
    return {None, *range(len(rows))}


def _known(name: Any, names: set[Any]) -> None:
    if name not in names:
        _contradicts(_("it names %s, which it has not") % repr(name)[:80])


def _each_once(rows: Any) -> None:
    uuids = [one["uuid"] for one in rows if isinstance(one, dict) and "uuid" in one]
    if len(set(uuids)) != len(uuids):
        _contradicts(_("it has something twice"))


def _moments(part: Any) -> None:
    """Everything whose name ends so is a moment that there is."""
    if isinstance(part, list):
        for one in part:
            _moments(one)
    elif isinstance(part, dict):
        for name, cell in part.items():
            # Where a signature is, "at" is its moment; that of a fit is where it was made.
            moment = name.endswith("_at") or (name == "at" and "method" in part)
            if moment and isinstance(cell, str):
                try:
                    dt.datetime.fromisoformat(cell)
                except ValueError:
                    _contradicts(_("%s is no moment") % cell[:40])
            elif isinstance(cell, dict | list):
                _moments(cell)


def _contradicts(what: str) -> None:

    raise BundleRefused(_("The bundle contradicts itself: %s. Tell the sender.") % what)
