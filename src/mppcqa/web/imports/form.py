"""The form in which a person says what the columns of a table mean."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.exchange.imports import stage_of
from mppcqa.exchange.mapping import (
    DEVICE_TARGETS,
    MEASURED,
    VALUE_FIELDS,
    ColumnMapping,
    Target,
    value_fields,
)
from mppcqa.exchange.models import Import, Kind, SavedMapping
from mppcqa.inventory.models import DeviceType, Institute
from mppcqa.results.selection import whole_number
from mppcqa.stages import Axis, Condition, get_axis
from mppcqa.tables import Source
from mppcqa.typed import number
from mppcqa.web.edits import Part, part

MOST_CHANNEL = 32_767
"""What a channel's column holds; a typed number beyond is that of no channel either way."""
SHOWN_COLUMNS = 150
"""Columns that the form shows; those beyond keep what was suggested."""


def choices(row: Import) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a column can mean, in groups."""
    stage = stage_of(row)
    fields = DEVICE_TARGETS if row.kind == Kind.DEVICES else value_fields(stage)
    groups = [
        ("", [("", _("leave out"))]),
        (_("Fields"), [(key, _with_unit(key, _(title))) for key, title in fields.items()]),
    ]
    if row.kind == Kind.VALUES and stage is not None:
        titles = [
            (quantity.key, f"{_(quantity.title)}{f' [{quantity.unit}]' if quantity.unit else ''}")
            for quantity in stage.quantities
        ]
        groups.append((_("Values of"), [(f"value:{key}", title) for key, title in titles]))
        for kind, name in (
            ("statistical", _("Statistical uncertainties of")),
            ("systematic", _("Systematic uncertainties of")),
        ):
            groups.append((name, [(f"{kind}:{key}", "± " + title) for key, title in titles]))
    return groups


def _with_unit(field: str, title: str) -> str:
    unit = get_axis(field).unit
    return f"{title} [{unit}]" if unit else title


def mapping_columns(row: Import, source: Source, samples: list[list[str]]) -> dict[str, Any]:
    """What the template shows of the mapping."""
    mapping = ColumnMapping.from_json(row.mapping)
    axes = _axes(row)
    columns = [
        {
            "place": place,
            "head": column.head,
            "unit": column.unit,
            "samples": samples[place],
            "target": mapping.columns.get(column.head, Target()),
            "own": _own(mapping.columns.get(column.head, Target()), axes),
        }
        for place, column in enumerate(source.columns[:SHOWN_COLUMNS])
    ]
    return {
        "columns": columns,
        "own_heads": [title for _name, title, _text in _own(Target(), axes)],
        "hidden_columns": max(0, len(source.columns) - SHOWN_COLUMNS),
        "choices": choices(row),
        "mapping": mapping,
        "types": DeviceType.objects.all(),
        "places": Institute.objects.all(),
    }


def _axes(row: Import) -> list[Axis]:
    """What a column may say of all its values; what adds up has columns of its own, or records."""
    stage = stage_of(row)
    return [axis for axis in stage.axes if not axis.adds_up] if stage else []


def _own(target: Target, axes: Iterable[Axis]) -> list[tuple[str, str, str]]:
    """Channel and conditions that are a column's own: name, title, value."""
    values: list[tuple[str, str, float | None]] = [
        ("channel", _(VALUE_FIELDS["channel"]), target.channel)
    ]
    values += [
        (axis.key, _with_unit(axis.key, _(axis.title)), target.at.get(axis.key)) for axis in axes
    ]
    return [(name, title, "" if value is None else f"{value:g}") for name, title, value in values]


NAMES = {
    "rows": gettext_noop("rows"),
    "new": gettext_noop("new devices"),
    "changed": gettext_noop("devices to be updated"),
    "skipped": gettext_noop("left as they are"),
    "values": gettext_noop("values"),
    "empty": gettext_noop("empty cells"),
    "devices": gettext_noop("devices"),
    "standing": gettext_noop("devices with values already"),
}
KINDS = {"done": "ok", "failed": "failed", "checking": "running", "importing": "running"}


def count_name(name: str) -> str:
    """What is counted, in words."""
    return _(NAMES[name]) if name in NAMES else name


def import_kind(row: Import) -> str:
    """What an import's badge looks like."""
    if row.state == "checked":
        return "warning" if row.faults else "ok"
    return KINDS.get(row.state, "")


def table_parts(row: Import, *, typed: bool = False) -> list[Part]:
    """What the columns mean now, and how the table is read; `typed` where a form changes it."""
    mapping = ColumnMapping.from_json(row.mapping)
    titles = {key: title for _group, options in choices(row) for key, title in options}
    parts = []
    for place, (head, target) in enumerate(list(mapping.columns.items())[:SHOWN_COLUMNS]):
        own = {name: value for name, value in asdict(target).items() if name != "to"}
        more = [f"{name} {value}" for name, value in own.items() if value not in (None, "")]
        parts += [
            Part(
                f"to-{place}",
                head,
                (target.to,) if target.to else (),
                lambda texts: ", ".join(titles.get(text, text) for text in texts),
                only_seen=not typed,
            ),
            part(f"more-{place}", head, ", ".join(more), only_seen=True),
        ]
    rest = [row.existing, row.counts_now, row.reading, mapping.fill, mapping.channels_from]
    rest.append(mapping.places_from)
    text = json.dumps([row.stage, *rest], sort_keys=True, ensure_ascii=False)
    return [*parts, part("rest", _("How it is read"), text, only_seen=True)]


def saved_parts(saved: SavedMapping) -> list[Part]:
    """What a saved mapping says: another of its name takes its place."""
    content = dict(saved.content)
    pairs = [f"{head} → {one.get('to', '')}" for head, one in content.pop("columns", {}).items()]
    text = "; ".join([str(saved.get_kind_display()), *pairs, json.dumps(content, sort_keys=True)])
    return [part("saved-mapping", saved.name, text, only_seen=True)]


def read_mapping(posted: QueryDict, row: Import, source: Source) -> ColumnMapping:
    """The mapping as the form has it; a number that is none counts as empty."""
    former = ColumnMapping.from_json(row.mapping)
    allowed = {key for _group, options in choices(row) for key, _title in options}
    columns = dict(former.columns)
    axes = _axes(row)
    for place, column in enumerate(source.columns[:SHOWN_COLUMNS]):
        to = posted.get(f"to-{place}", "")
        target = Target(
            to=to if to in allowed else "",
            channel=_whole(posted.get(f"channel-{place}")),
            unit=posted.get(f"unit-{place}", "").strip()[:20],
            at=Condition({axis.key: number(posted.get(f"{axis.key}-{place}")) for axis in axes}),
        )
        columns[column.head] = target if ":" in to else Target(to=target.to, unit=target.unit)
    filled = ("device_type", "location", MEASURED)
    fill = {name: posted.get(f"fill-{name}", "").strip()[:100] for name in filled}
    return replace(
        former,
        columns=columns,
        fill={key: value for key, value in fill.items() if value},
        channels_from=1 if posted.get("channels_from") == "1" else 0,
        places_from=1 if posted.get("places_from") == "1" else 0,
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


def _whole(text: str | None) -> int | None:
    channel = whole_number(text)
    return None if channel is None else min(channel, MOST_CHANNEL)
