"""Waveforms as Tektronix oscilloscopes save them as .isf: the answer to WAVFRM? as it is sent.

A preamble ``KEY value;KEY value;…``, in short or long words, and a block of samples ``#510000…``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, refuse_other_kind
from mppcqa.tables.formats.oscilloscope import DARK, MAX_SAMPLES
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.numbers import PLAIN
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

KEYS = {
    "BYT_NR": "BYT_N", "BYT_N": "BYT_N", "ENCDG": "ENC", "ENC": "ENC", "BN_FMT": "BN_F",
    "BN_F": "BN_F", "BYT_OR": "BYT_O", "BYT_O": "BYT_O", "NR_PT": "NR_P", "NR_P": "NR_P",
    "PT_FMT": "PT_F", "PT_F": "PT_F", "XINCR": "XIN", "XIN": "XIN", "YMULT": "YMU", "YMU": "YMU",
    "YOFF": "YOF", "YOF": "YOF", "YZERO": "YZE", "YZE": "YZE", "YUNIT": "YUN", "YUN": "YUN",
    "WFID": "WFI", "WFI": "WFI",
}  # fmt: skip
KINDS = {"RI": "i", "RP": "u", "FP": "f"}


def looks(start: bytes, path: Path) -> bool:
    head = start[:400].lstrip().upper()
    return head.startswith((b":WFMP", b"WFMP", b":WFMO", b"BYT_N", b"NR_P")) and b";" in head


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """The one waveform, in volts."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    data = path.read_bytes()
    found = re.search(rb":?CURVE?\s+", data[:4096], re.I)
    if found is None:
        raise TableError(_("%s: no block of samples (CURVE); was the file cut off?") % path.name)
    facts = _preamble(data[: found.start()].decode("latin-1"))
    if facts.get("PT_F", "Y").upper() not in ("Y", ""):
        raise TableError(
            _("%s holds an envelope, not samples; save it with the acquisition mode Sample")
            % path.name
        )
    raw = _samples(path, facts, data[found.end() :])
    announced = _number(path, facts, "NR_P")
    if announced != len(raw):
        raise TableError(
            _("%(name)s: %(a)d samples are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": announced, "b": len(raw)}
        )
    unit = read_unit(facts.get("YUN", "V"))
    if unit is None or unit.base != "V":
        raise TableError(
            _("%(name)s: the vertical unit %(unit)s is no voltage")
            % {"name": path.name, "unit": facts.get("YUN", "")}
        )
    step = _number(path, facts, "XIN")
    scale, offset = _number(path, facts, "YMU"), _number(path, facts, "YOF")
    volts = ((raw - offset) * scale + _number(path, facts, "YZE")) * unit.factor
    if not 0 < step < 1 or scale == 0 or not np.isfinite(volts).all():
        raise TableError(_("%s: times or scales in it can't be so: it is damaged") % path.name)
    given = conditions_of(mapping, path, {"WFID": facts.get("WFI", "")})
    part = waveform_part(path, given.values, volts[None, :], step, 0, False)
    part.facts = facts
    return [given.tell(part)]


def _preamble(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for piece in re.findall(r'(?:[^;"]|"[^"]*")+', text):
        words = piece.strip().rsplit(":", 1)[-1] if '"' not in piece else piece.strip().lstrip(":")
        key, _blank, value = words.strip().partition(" ")
        short = KEYS.get(key.rsplit(":", 1)[-1].upper())
        if short:
            facts[short] = value.strip().strip('"')
    return facts


def _number(path: Path, facts: dict[str, str], key: str) -> float:
    text = facts.get(key, "")
    if not PLAIN.fullmatch(text):
        raise TableError(
            _("%(name)s: %(key)s is missing in its preamble, or no number (%(text)s)")
            % {"name": path.name, "key": key, "text": text[:40]}
        )
    return float(text)


def _samples(path: Path, facts: dict[str, str], block: bytes) -> Floats:
    """Samples as the oscilloscope's numbers (n,)."""
    where = {"name": path.name}
    if facts.get("ENC", "BIN").upper().startswith("ASC"):
        try:
            return np.array(block.decode("ascii").strip().rstrip(";").split(","), float)
        except ValueError:
            raise TableError(_("%(name)s: a sample is no number") % where) from None
    digits = int(block[1:2]) if block[:1] == b"#" and block[1:2].isdigit() else 0
    if not digits or not block[2 : 2 + digits].isdigit():
        raise TableError(_("%(name)s: its block of samples has no length; it is damaged") % where)
    length = int(block[2 : 2 + digits])
    width = int(_number(path, facts, "BYT_N"))
    kind, order = KINDS.get(facts.get("BN_F", "RI").upper()), facts.get("BYT_O", "MSB").upper()
    if kind is None or order not in ("MSB", "LSB") or width not in (1, 2, 4, 8) or length % width:
        raise TableError(_("%(name)s: its preamble names no numbers that are known") % where)
    if length // width > MAX_SAMPLES or (kind == "f" and width < 4):
        raise TableError(_("%(name)s: its preamble names no numbers that are known") % where)
    body = block[2 + digits : 2 + digits + length]
    if len(body) < length:
        raise TableError(
            _("%(name)s: %(a)d samples are announced, %(b)d are there: the file was cut off")
            % (where | {"a": length // width, "b": len(body) // width})
        )
    if block[2 + digits + length :] not in (b"", b"\n", b"\r\n", b";\n", b";\r\n"):
        raise TableError(_("%(name)s: bytes behind its samples: it is damaged") % where)
    return np.frombuffer(body, ("<" if order == "LSB" else ">") + f"{kind}{width}").astype(float)


FORMAT = Format(
    "tektronix_isf",
    "Tektronix .isf waveform",
    "waveform",
    looks,
    read,
    "Waveforms of Tektronix oscilloscopes as .isf, in volts.",
    DARK,
    text=False,
)
