"""Which column of a file means what: suggested from its head, corrected by a person, savable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Literal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.inventory.device_fields import DEVICE_FIELDS
from mppcqa.stages import ANYWHERE, Axis, Condition, Quantity, Stage, at_volts
from mppcqa.stages.synonyms import also_called
from mppcqa.tables.headings import KNOWN, Column, plain_head
from mppcqa.typed import moment

Kind = Literal["devices", "values"]

DEVICE_TARGETS = {
    "serial": gettext_noop("serial number"),
    "device_type": gettext_noop("device type"),
    "lot": gettext_noop("lot"),
    "tray": gettext_noop("tray"),
    "tray_row": gettext_noop("row in the tray"),
    "tray_column": gettext_noop("column in the tray"),
    "location": gettext_noop("location"),
    "parent": gettext_noop("part of"),
    **{one.key: one.title for one in DEVICE_FIELDS},
    "channel": gettext_noop("channel of the maker's values"),
    "maker": gettext_noop("maker's value"),
}
DEVICE_HEADS = {
    head: one.key for one in DEVICE_FIELDS for head in (plain_head(one.key), *one.headings)
}
OWN_HEADS = re.compile(r"maker|registered_at|state|uuid|tags|verdict_\w+|other_maker_values")
"""Columns of our own list of devices that an import can't change; they are no maker's values."""
VALUE_FIELDS = {
    "serial": gettext_noop("serial number"),
    "channel": gettext_noop("channel"),
    "quantity": gettext_noop("name of the quantity"),
    "value": gettext_noop("value of the named quantity"),
    "statistical": gettext_noop("statistical uncertainty of the named quantity"),
    "systematic": gettext_noop("systematic uncertainty of the named quantity"),
    "bound": gettext_noop("whether the value is a limit (< or >)"),
}
"""What a column of measured values may mean beside the axes of their stage."""

UNCERTAINTIES = ("statistical", "systematic")
SYSTEMATIC_WORDS = re.compile(r"(?:^|(?<=[ _.]))(?:syst?(?:ematic)?|sistem[aá]tica)[ _.]*", re.I)
STATISTICAL_WORDS = re.compile(r"(?:^|(?<=[ _.]))(?:stat(?:istical)?|estad[ií]stica)[ _.]*", re.I)
ERROR_WORDS = re.compile(
    r"^(?:err(?:or)?|unc(?:ertainty)?|sigma|std|d|δ|σ|±|error de|incertidumbre de)[ _.]+(.+)$"
    r"|^(.+?)[ _.]+(?:err(?:or)?|unc(?:ertainty)?|sigma|std|±|incertidumbre)$",
    re.I,
)
CHANNEL_WORDS = re.compile(r"^(.*?)[ _.\-]*(?:ch(?:annel)?|canal|cell)[ _.\-#]*(\d{1,4})$", re.I)
AT_VOLTS = re.compile(r"^(.*?)\s*(?:@|\bat\b|\ba\b)\s*([+-]?\d+(?:[.,]\d+)?)\s*V$", re.I)
LIKENESS = 0.82


@dataclass(frozen=True)
class Target:
    """What a column means. `to` is a field, ``value:KEY``, ``statistical:KEY``,
    ``systematic:KEY``, or empty.

    For values the channel and the conditions may be the column's own.
    """

    to: str = ""
    channel: int | None = None
    at: Condition = ANYWHERE
    unit: str = ""

    @property
    def quantity(self) -> str:
        """Key of the quantity that the column has values or uncertainties of; empty if none."""
        head, _mark, key = self.to.partition(":")
        return key if head in ("value", *UNCERTAINTIES) else ""

    @property
    def is_uncertainty(self) -> bool:
        """Whether the column has uncertainties of a quantity's values."""
        return self.to.partition(":")[0] in UNCERTAINTIES


@dataclass(frozen=True)
class ColumnMapping:
    """A file's columns by head, and what fills cells that it does not have."""

    kind: Kind
    stage: str = ""
    columns: dict[str, Target] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)
    channels_from: int = 0
    """Number of the first channel as the file counts."""
    places_from: int = 0
    """Number of the first row and column of a tray as the file counts; ours count from 0."""

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "kind": self.kind,
            "stage": self.stage,
            "fill": dict(self.fill),
            "channels_from": self.channels_from,
            "places_from": self.places_from,
        }
        values["columns"] = {
            head: {k: v for k, v in _target_json(target).items() if v not in (None, "", {})}
            for head, target in self.columns.items()
        }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ColumnMapping:
        columns = {
            head: Target(
                to=target.get("to", ""),
                channel=target.get("channel"),
                at=Condition(target.get("at", {})),
                unit=target.get("unit", ""),
            )
            for head, target in values.get("columns", {}).items()
        }
        return cls(
            kind=values["kind"],
            stage=values.get("stage", ""),
            columns=columns,
            fill=dict(values.get("fill", {})),
            channels_from=int(values.get("channels_from", 0)),
            places_from=int(values.get("places_from", 0)),
        )


def suggest(
    columns: Sequence[Column], kind: Kind, stage: Stage | None = None, fill: Any = None
) -> ColumnMapping:
    """What the heads seem to mean; nothing is taken twice."""
    found: dict[str, Target] = {}
    taken: set[tuple[Any, ...]] = set()
    for column in columns:
        target = _guess(column, kind, stage, found)
        key = (target.to, target.channel, target.at)
        if target.to and target.to != "maker" and key in taken:
            target = Target(to="maker") if kind == "devices" else Target()
        taken.add(key)
        found[column.head] = target
    if kind == "devices" and not any(one.to == "serial" for one in found.values()):
        order = ("serial", "device_type", "lot", "location")
        if not any(one.to and one.to != "maker" for one in found.values()):
            found |= {c.head: Target(to=to) for c, to in zip(columns, order, strict=False)}
    return ColumnMapping(kind, stage.key if stage else "", found, dict(fill or {}))


def value_fields(stage: Stage | None) -> dict[str, str]:
    """What a column of measured values may mean, with its title: English, to be translated."""
    axes = {axis.key: axis.title for axis in (stage.axes if stage else ())}
    first = ("serial", "channel")
    return {key: VALUE_FIELDS[key] for key in first} | axes | VALUE_FIELDS


def _axis_heads(axes: Iterable[Axis]) -> dict[str, str]:
    """Axis key by what people write above its column."""
    return {
        head: axis.key
        for axis in axes
        for head in (*axis.headings, plain_head(axis.key), plain_head(axis.title))
    }


def _target_json(target: Target) -> dict[str, Any]:
    return {**vars(target), "at": dict(target.at)}


def _guess(column: Column, kind: Kind, stage: Stage | None, before: Mapping[str, Target]) -> Target:
    name = plain_head(column.name)
    known, fields = KNOWN | DEVICE_HEADS, DEVICE_TARGETS
    if kind == "values":
        known, fields = KNOWN | _axis_heads(stage.axes if stage else ()), value_fields(stage)
    to = known.get(name) or known.get(plain_head(column.head))
    # "Id (uA)" is a dark current, and a second column called so is no serial number either.
    taken = to == "serial" and kind == "values" and "serial" in {one.to for one in before.values()}
    if to in fields and not taken and not (to == "serial" and column.unit):
        return Target(to=to or "")
    if kind == "devices":
        return Target(to="" if OWN_HEADS.fullmatch(column.name) else "maker")
    if stage is None:
        return Target()
    text, target = column.name, Target(at=Condition(column.conditions))
    if found := AT_VOLTS.match(text):
        text, volts = found[1], float(found[2].replace(",", "."))
        target = replace(target, at=Condition(target.at, **at_volts(volts)))
    if (found := CHANNEL_WORDS.match(text)) and found[1].strip():
        text = found[1]
        target = replace(target, channel=int(found[2]))
    what = "value"
    bare = SYSTEMATIC_WORDS.sub("", text.strip())
    uncertainty = "systematic" if bare != text.strip() else "statistical"
    bare = STATISTICAL_WORDS.sub("", bare).strip(" _.")
    if found := ERROR_WORDS.match(bare):
        text, what = found[1] or found[2], uncertainty
    quantity = find_quantity(text, stage)
    if quantity is None:
        return Target()
    return replace(target, to=f"{what}:{quantity.key}")


def find_quantity(text: str, stage: Stage) -> Quantity | None:
    """The quantity that a text names: by key, symbol or title in any language, or nearly so."""
    wanted = plain_head(text)
    best, likeness = None, LIKENESS
    for quantity in stage.quantities:
        key = plain_head(quantity.key)
        bare = plain_head(quantity.key.removesuffix("_" + quantity.unit.lower()).rpartition("_")[0])
        symbol = plain_head(quantity.symbol.replace("_", "").replace(",", " "))
        names = {key, bare, symbol, plain_head(quantity.symbol), plain_head(quantity.title)}
        names.add(plain_head(_(quantity.title)))
        if wanted in names - {""} or wanted.replace(" ", "") in {n.replace(" ", "") for n in names}:
            return quantity
        score = max(SequenceMatcher(None, wanted, name).ratio() for name in names if name)
        if score > likeness:
            best, likeness = quantity, score
    return best or also_called(wanted, stage.quantities)


def unused_columns(mapping: ColumnMapping, columns: Sequence[Column]) -> list[str]:
    """A note that names every column that nothing is taken from."""
    heads = [c.head for c in columns if not mapping.columns.get(c.head, Target()).to]
    if not heads:
        return []
    more = _(" and %d more") % (len(heads) - 20) if len(heads) > 20 else ""
    return [_("Columns that are not used: %s.") % (", ".join(f"“{h}”" for h in heads[:20]) + more)]


def mapping_faults(
    mapping: ColumnMapping, columns: Sequence[Column], stage: Stage | None
) -> list[str]:
    """What is wrong with a mapping as a whole, in words; empty if it can be used."""
    faults = []
    heads = [column.head for column in columns]
    used = {head: target for head, target in mapping.columns.items() if target.to}
    for head in used:
        if heads.count(head) > 1:
            faults.append(_("The column “%s” comes twice; rename one of them.") % head)
        elif head not in heads:
            faults.append(_("The file has no column “%s”.") % head)
    targets = [target for head, target in used.items() if head in heads]
    single = [target.to for target in targets if ":" not in target.to and target.to != "maker"]
    twice = sorted({to for to in single if single.count(to) > 1})
    faults += [_("Two columns mean “%s”; choose one.") % to for to in twice]
    if "serial" not in single:
        faults.append(
            _("No column is the serial number. Columns found: %s") % ", ".join(heads[:20])
        )
    if mapping.kind == "values":
        faults += _value_faults(targets, single, stage)
        if text := mapping.fill.get(MEASURED):
            faults += moment_faults(text)
    return faults


MEASURED = "measured_at"
"""What fills in when a table's values were measured."""


def moment_faults(text: str) -> list[str]:
    """What is wrong with a moment at which something was measured, as it was typed."""
    found = moment(text)
    if found is None:
        return [_("“%s” is no date; write it like 2027-03-31 14:30 (UTC).") % text[:30]]
    if found > timezone.now():
        return [_("%s lies in the future.") % text]
    return []


def _value_faults(targets: list[Target], single: list[str], stage: Stage | None) -> list[str]:
    if stage is None:
        return [_("Choose the stage that the values belong to.")]
    faults: list[str] = []
    known = {quantity.key for quantity in stage.quantities}
    faults += [
        _("The stage %(stage)s has no quantity “%(key)s”.")
        % {"stage": stage.title, "key": target.quantity}
        for target in targets
        if target.quantity and target.quantity not in known
    ]
    wide = [target for target in targets if target.to.startswith("value:")]
    if not wide and not {"quantity", "value"} <= set(single):
        faults.append(
            _("No column has values: choose a quantity for a column, or one column with the name "
              "of the quantity and one with its value.")
        )  # fmt: skip
    for target in targets:
        if target.is_uncertainty and target.quantity:
            twin = replace(target, to=f"value:{target.quantity}", unit="")
            if twin not in [replace(one, unit="") for one in wide]:
                faults.append(
                    _("There is a column of uncertainties of “%s”, but none of its values.")
                    % target.quantity
                )
    keys = [replace(target, unit="") for target in wide]
    repeated = {one.to: one.quantity for one in keys if keys.count(one) > 1}
    text = _("Two columns have values of “%s” for the same channel and condition.")
    return [*faults, *(text % key for key in repeated.values())]
