"""Which column of a file means what: suggested from its head, corrected by a person, savable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.exchange.source import Column
from mppcqa.stages import Quantity, Stage

Kind = Literal["devices", "values"]

DEVICE_FIELDS = {
    "serial": gettext_noop("serial number"),
    "device_type": gettext_noop("device type"),
    "lot": gettext_noop("lot"),
    "tray": gettext_noop("tray"),
    "tray_row": gettext_noop("row in the tray"),
    "tray_column": gettext_noop("column in the tray"),
    "location": gettext_noop("location"),
    "parent": gettext_noop("part of"),
    "maker": gettext_noop("maker's value"),
}
OWN_HEADS = re.compile(r"maker|registered_at|tags|verdict_\w+|other_maker_values")
"""Columns of our own list of devices that an import can't change; they are no maker's values."""
VALUE_FIELDS = {
    "serial": gettext_noop("serial number"),
    "channel": gettext_noop("channel"),
    "bias_v": gettext_noop("bias voltage [V]"),
    "overvoltage_v": gettext_noop("overvoltage [V]"),
    "temperature_c": gettext_noop("temperature [°C]"),
    "light": gettext_noop("light"),
    "quantity": gettext_noop("name of the quantity"),
    "value": gettext_noop("value of the named quantity"),
    "uncertainty": gettext_noop("uncertainty of the named quantity"),
}
CONDITIONS = ("bias_v", "overvoltage_v", "temperature_c", "light")
CONDITION_UNITS = {"bias_v": "V", "overvoltage_v": "V", "temperature_c": "°C", "light": ""}

# What people write above their columns, in both languages.
HEADS = {
    "serial": (
        *("serial", "serial number", "serialnumber", "sn", "s/n", "serie", "número de serie"),
        *("numero de serie", "device", "device id", "id", "dispositivo", "sipm", "mppc", "array"),
    ),
    "device_type": ("type", "device type", "model", "tipo", "modelo", "part number"),
    "lot": ("lot", "batch", "lote", "wafer"),
    "tray": ("tray", "bandeja"),
    "tray_row": ("row", "tray row", "fila"),
    "tray_column": ("column", "col", "tray column", "tray col", "columna"),
    "location": ("location", "institute", "place", "lugar", "instituto", "ubicación", "where"),
    "parent": ("parent", "part of", "module", "módulo", "parte de"),
    "channel": ("channel", "ch", "canal", "cell", "pixel"),
    "bias_v": ("bias", "bias voltage", "bias v", "vbias", "v bias", "voltaje", "voltage", "hv"),
    "overvoltage_v": (
        *("overvoltage", "over voltage", "ov", "vov", "dv", "sobrevoltaje", "δv", "overvoltage v"),
    ),
    "temperature_c": ("temperature", "temp", "t", "temperatura", "temperature c"),
    "light": ("light", "led", "luz", "intensity"),
    "quantity": ("quantity", "parameter", "magnitud", "cantidad", "observable"),
    "value": ("value", "valor", "result"),
    "uncertainty": ("uncertainty", "error", "err", "sigma", "incertidumbre", "unc", "std"),
}
KNOWN = {head: key for key, heads in HEADS.items() for head in heads}
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
    """What a column means. `to` is a field, ``value:KEY``, ``uncertainty:KEY``, or empty.

    For values the channel and the conditions may be the column's own.
    """

    to: str = ""
    channel: int | None = None
    bias_v: float | None = None
    overvoltage_v: float | None = None
    temperature_c: float | None = None
    light: float | None = None
    unit: str = ""

    @property
    def quantity(self) -> str:
        """Key of the quantity that the column has values or uncertainties of; empty if none."""
        head, _mark, key = self.to.partition(":")
        return key if head in ("value", "uncertainty") else ""


@dataclass(frozen=True)
class ColumnMapping:
    """A file's columns by head, and what fills cells that it does not have."""

    kind: Kind
    stage: str = ""
    columns: dict[str, Target] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)
    channels_from: int = 0
    """Number of the first channel as the file counts."""

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["columns"] = {
            head: {k: v for k, v in asdict(target).items() if v not in (None, "")}
            for head, target in self.columns.items()
        }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ColumnMapping:
        columns = {head: Target(**target) for head, target in values.get("columns", {}).items()}
        return cls(
            kind=values["kind"],
            stage=values.get("stage", ""),
            columns=columns,
            fill=dict(values.get("fill", {})),
            channels_from=int(values.get("channels_from", 0)),
        )


def suggest(
    columns: Sequence[Column], kind: Kind, stage: Stage | None = None, fill: Any = None
) -> ColumnMapping:
    """What the heads seem to mean; nothing is taken twice."""
    found: dict[str, Target] = {}
    taken: set[tuple[Any, ...]] = set()
    for column in columns:
        target = _guess(column, kind, stage, found)
        key = (target.to, target.channel, target.bias_v, target.overvoltage_v)
        if target.to and target.to != "maker" and key in taken:
            target = Target(to="maker") if kind == "devices" else Target()
        taken.add(key)
        found[column.head] = target
    if kind == "devices" and not any(one.to == "serial" for one in found.values()):
        order = ("serial", "device_type", "lot", "location")
        if not any(one.to and one.to != "maker" for one in found.values()):
            found |= {c.head: Target(to=to) for c, to in zip(columns, order, strict=False)}
    return ColumnMapping(kind, stage.key if stage else "", found, dict(fill or {}))


def is_known(column: Column) -> bool:
    """Whether a head is one that people usually write."""
    return _plain(column.name) in KNOWN


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[_\-.]+", " ", text).lower().split())


def _guess(column: Column, kind: Kind, stage: Stage | None, before: Mapping[str, Target]) -> Target:
    name = _plain(column.name)
    fields = DEVICE_FIELDS if kind == "devices" else VALUE_FIELDS
    if (to := KNOWN.get(name)) in fields:
        return Target(to=to or "")
    if kind == "devices":
        return Target(to="" if OWN_HEADS.fullmatch(column.name) else "maker")
    if stage is None:
        return Target()
    text, target = column.name, Target()
    if found := AT_VOLTS.match(text):
        text, volts = found[1], float(found[2].replace(",", "."))
        target = replace(target, **{"overvoltage_v" if volts < 15 else "bias_v": volts})
    if (found := CHANNEL_WORDS.match(text)) and found[1].strip():
        text = found[1]
        target = replace(target, channel=int(found[2]))
    what = "value"
    if found := ERROR_WORDS.match(text.strip()):
        text, what = found[1] or found[2], "uncertainty"
    quantity = find_quantity(text, stage)
    if quantity is None:
        return Target()
    return replace(target, to=f"{what}:{quantity.key}")


def find_quantity(text: str, stage: Stage) -> Quantity | None:
    """The quantity that a text names: by key, symbol or title in any language, or nearly so."""
    wanted = _plain(text)
    best, likeness = None, LIKENESS
    for quantity in stage.quantities:
        key = _plain(quantity.key)
        bare = _plain(quantity.key.removesuffix("_" + quantity.unit.lower()).rpartition("_")[0])
        symbol = _plain(quantity.symbol.replace("_", "").replace(",", " "))
        names = {key, bare, symbol, _plain(quantity.symbol), _plain(quantity.title)}
        names.add(_plain(_(quantity.title)))
        if wanted in names - {""} or wanted.replace(" ", "") in {n.replace(" ", "") for n in names}:
            return quantity
        score = max(SequenceMatcher(None, wanted, name).ratio() for name in names if name)
        if score > likeness:
            best, likeness = quantity, score
    return best


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
    return faults


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
        if target.to.startswith("uncertainty:"):
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
