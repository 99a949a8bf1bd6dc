"""The form in which a person says what the columns of a table mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from mppcqa.exchange.imports import stage_of
from mppcqa.exchange.mapping import (
    CONDITIONS,
    DEVICE_FIELDS,
    VALUE_FIELDS,
    ColumnMapping,
    Target,
)
from mppcqa.exchange.models import Import, Kind
from mppcqa.exchange.source import Source
from mppcqa.inventory.models import DeviceType, Institute
from mppcqa.testing.selection import whole_number

MOST_CHANNEL = 32_767
"""What a channel's column holds; a typed number beyond is that of no channel either way."""
SHOWN_COLUMNS = 150
"""Columns that the form shows; those beyond keep what was suggested."""


def choices(row: Import) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column can mean, in groups."""
    fields = DEVICE_FIELDS if row.kind == Kind.DEVICES else VALUE_FIELDS
    groups = [
        ("", [("", _("leave out"))]),
        (_("Fields"), [(key, _(title)) for key, title in fields.items()]),
    ]
    stage = stage_of(row)
    if row.kind == Kind.VALUES and stage is not None:
        titles = [
            (quantity.key, f"{_(quantity.title)}{f' [{quantity.unit}]' if quantity.unit else ''}")
            for quantity in stage.quantities
        ]
        groups.append((_("Values of"), [(f"value:{key}", title) for key, title in titles]))
        groups.append(
            (_("Uncertainties of"), [(f"uncertainty:{key}", "± " + title) for key, title in titles])
        )
    return groups


def mapping_columns(row: Import, source: Source, samples: list[list[str]]) -> dict[str, Any]:
    """What the template shows of the mapping."""
    mapping = ColumnMapping.from_json(row.mapping)
    columns = [
        {
            "place": place,
            "head": column.head,
            "unit": column.unit,
            "samples": samples[place],
            "target": mapping.columns.get(column.head, Target()),
        }
        for place, column in enumerate(source.columns[:SHOWN_COLUMNS])
    ]
    return {
        "columns": columns,
        "hidden_columns": max(0, len(source.columns) - SHOWN_COLUMNS),
        "choices": choices(row),
        "mapping": mapping,
        "types": DeviceType.objects.all(),
        "places": Institute.objects.all(),
    }


def read_mapping(posted: QueryDict, row: Import, source: Source) -> ColumnMapping:
    """The mapping as the form has it; a number that is none counts as empty."""
    former = ColumnMapping.from_json(row.mapping)
    allowed = {key for _group, options in choices(row) for key, _title in options}
    columns = dict(former.columns)
    for place, column in enumerate(source.columns[:SHOWN_COLUMNS]):
        to = posted.get(f"to-{place}", "")
        target = Target(
            to=to if to in allowed else "",
            channel=_whole(posted.get(f"channel-{place}")),
            unit=posted.get(f"unit-{place}", "").strip()[:20],
            **{name: _number(posted.get(f"{name}-{place}")) for name in CONDITIONS},
        )
        columns[column.head] = target if ":" in to else Target(to=target.to, unit=target.unit)
    fill = {name: posted.get(f"fill-{name}", "").strip() for name in ("device_type", "location")}
    return replace(
        former,
        columns=columns,
        fill={key: value for key, value in fill.items() if value},
        channels_from=1 if posted.get("channels_from") == "1" else 0,
        stage=row.stage,
    )


def read_reading(posted: QueryDict) -> dict[str, Any]:
    """How the file is to be read, as the form has it."""
    found: dict[str, Any] = {
        name: value
        for name in ("encoding", "decimal", "sheet")
        if (value := posted.get(name, "").strip())
    }
    if delimiter := posted.get("delimiter", ""):
        found["delimiter"] = "\t" if delimiter == "tab" else delimiter[:1]
    if posted.get("has_head") in ("yes", "no"):
        found["has_head"] = posted["has_head"] == "yes"
    return found


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "."))
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    number = whole_number(text)
    return None if number is None else min(number, MOST_CHANNEL)
