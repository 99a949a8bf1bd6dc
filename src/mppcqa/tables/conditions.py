"""Bias, temperature and light of a file, from its header and its name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mppcqa.tables.headings import meaning, read_head
from mppcqa.tables.numbers import to_number
from mppcqa.tables.units import conversion, is_fahrenheit, is_unit
from mppcqa.tables.words import say as _

NAMED = ("bias_v", "temperature_c", "light")
"""What headers, headings and names of files say of a device's conditions."""
UNITS = {"bias_v": "V", "temperature_c": "°C", "light": "", "gate_s": "s", "sample_s": "s"}
_EDGE = r"(?<![0-9A-Za-z.,])"
_APART = _EDGE + r"(?:(?<!-)|(?=[nmp+-]))"
"""In iv-20C the dash may be a minus or none: a temperature there is asked."""
_DEGREES = r"(?=\d+(?:[.,]\d+)? ?(?:deg|°)?C(?![A-Za-z]))"
DASHES = re.compile(rf"(?<=-)([^\W_][^\W_.]*)-{_DEGREES}|(?<=[^\W_])-(?=\d+ ?(?:deg|°)?C-)")
"""Dashes that part words, as others of the name do: HDR2-2-10C-5mA."""
_END = r"(?![\dA-Za-z]|[.,]\d)"
_TEMP = r"(?<![A-Za-z])(?:T|[Tt]emp)[_=]?"
_NUMBER = r"[nmp+-]?\d+(?:[.,]\d+)?"
NAMES: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "bias_v": (
        (re.compile(_EDGE + rf"({_NUMBER}) ?V(?![A-Za-z])(?![_ -]?(?:ov|over))", re.I), "V"),
        (re.compile(rf"(?<![A-Za-z])(?:V_?b(?:ias)?|bias|HV)[_=-]?({_NUMBER})" + _END, re.I), "V"),
    ),
    "temperature_c": (
        (re.compile(_APART + rf"({_NUMBER}) ?(?:deg|°)?C(?![A-Za-z])"), "°C"),
        (re.compile(_EDGE + r"(\d{2,3}(?:[.,]\d+)?) ?K(?![A-Za-z0-9])"), "K"),
        (re.compile(rf"(?<![A-Za-z])(?:T|temp)[_=]?({_NUMBER})" + _END), "°C"),
        (re.compile(_TEMP + rf"({_NUMBER}) ?(?:deg|°)?C(?![A-Za-z])"), "°C"),
        (re.compile(_TEMP + r"(\d{2,3}(?:[.,]\d+)?) ?K(?![A-Za-z0-9])"), "K"),
    ),
}  # fmt: skip
"""Conditions in names of files: 54.3V, Vbias54.3, n20C or m20C (minus 20), 293K, T25, T253K."""
LIT = re.compile(r"(?i)\d ?mA(?![a-z])|(?<![a-z])(?:light|led|lit|laser)(?![a-z])")
DARK = re.compile(r"(?i)(?<![a-z])(?:dark|noled|led ?off|oscuro)(?![a-z])")
KEYS: dict[str, re.Pattern[str]] = {
    "bias_v": re.compile(
        r"(?i)(?:sipm |mppc |applied |set |reverse |operating )?(?:bias(?: voltage)?|v_?bias|"
        r"hv(?: bias)?|high voltage|voltaje(?: de polarizacion)?|v_?op|supply voltage|"
        r"op(?:erating)? voltage|voltage)(?: set)?"
    ),
    "temperature_c": re.compile(
        r"(?i)(?:sipm|mppc|chamber|box|ambient|sensor|device|channel|mean|average|measured|room)?"
        r"[ _]?(?:temp(?:erature)?|temperatura|t)"
        r"(?:[ _](?:sensor|mean|avg|sipm|chamber|c|k|ambient))?"
    ),
    "light": re.compile(r"(?i)light(?: setting)?|led(?: setting)?"),
    "gate_s": re.compile(r"(?i)(?:integration )?gate(?: (?:width|length))?"),
    "sample_s": re.compile(
        r"(?i)sampl(?:e|ing) (?:interval|period|time)|time (?:interval|step|per sample)|dt|"
        r"x ?increment|increment|sampling ?step"
    ),
}
NUMBER_AND_UNIT = re.compile(
    r"\s*(?P<number>[+\-\u2212]?\s?[\d.,' \u00a0]*\d[\d.,]*(?:[eE][+-]?\d+)?)\s*"
    r"(?P<unit>[^\d\s].{0,12})?\s*"
)


@dataclass(frozen=True)
class Evidence:
    """A condition, and where it stands."""

    value: float
    where: str


def number_in(text: str, name: str, key: str = "", due: str | None = None) -> float | None:
    """The number of a header's value such as ``54,30``, ``293 K`` or ``20 degC``, in our unit.

    The unit may stand in the key: ``Bias Voltage [mV]``; `due` is ours where it is no condition
    that is known here. None where there is no number, or the unit
    is another quantity's.
    """
    match = NUMBER_AND_UNIT.fullmatch(text)
    if not match:
        return None
    number = to_number(match["number"].replace(" ", ""))
    if number is None:
        return None
    unit = (match["unit"] or "").strip()
    if unit and not is_unit(unit) and not is_fahrenheit(unit, UNITS.get(name, "")):
        return None
    unit = unit or read_head(key).unit
    if not unit and name == "temperature_c" and (scale := re.search(r"[ _]([KCF])$", key)):
        unit = scale[1]
    change = conversion(unit, UNITS.get(name, "") if due is None else due)
    # Nine-fifths of a degree leave digits behind that nobody measured.
    return None if change is None else float(f"{number * change.factor + change.offset:.10g}")


def from_name(pattern: str, file_name: str, name: str = "", due: str | None = None) -> float | None:
    """A condition that an expression catches in a file's name; n, m or - before it is a minus."""
    found = re.search(pattern, file_name)
    if found is None:
        return None
    text = found.group(1) if found.groups() else found.group(0)
    return number_in(_signed(text or ""), name, due=due)


def _signed(text: str) -> str:
    return "-" + text[1:] if text[:1] in ("n", "m", "-") else text.removeprefix("p")


def in_name(name: str, file_name: str) -> Evidence | None:
    """A condition in a file's name; None where there is none, or two."""
    stem = re.sub(r"(?i)(?<![a-z])zeroC(?![a-z])", "0C", file_name)
    if name == "light":
        if LIT.search(stem) and DARK.search(stem):
            return None
        if LIT.search(stem):
            return Evidence(1.0, _("the file's name"))
        return Evidence(0.0, _("the file's name")) if DARK.search(stem) else None
    if name == "temperature_c":
        stem = DASHES.sub(r"\1_", stem)
    for pattern, unit in NAMES.get(name, ()):
        texts = dict.fromkeys(pattern.findall(stem))
        if len(texts) > 1:
            return None
        for text in texts:
            number = to_number(_signed(text))
            change = conversion(unit, UNITS[name])
            if number is not None and change is not None:
                value = float(f"{number * change.factor + change.offset:.10g}")
                return Evidence(value, _("the file's name (%s)") % text)
    return None


def is_about(name: str, key: str) -> bool:
    """Whether a header's key is a condition's."""
    head = read_head(key)
    said = (head.name.strip(), key.strip(), meaning(head.name))
    return any(map(KEYS[name].fullmatch, said))


def in_header(name: str, facts: Mapping[str, str]) -> Evidence | None:
    """A condition in a header's ``key: value`` lines; None where there is none, or they differ."""
    found: dict[float, str] = {}
    for key, text in facts.items():
        if not is_about(name, key):
            continue
        number = number_in(text, name, key)
        if number is not None:
            found[number] = key
    if len(found) != 1:
        return None
    ((value, key),) = found.items()
    return Evidence(value, _("the header (%s)") % key)


def find_condition(name: str, file_name: str, facts: Mapping[str, str]) -> list[Evidence]:
    """Where a condition stands: the header first, then the name; empty where nowhere."""
    found = [in_header(name, facts) if name in KEYS else None, in_name(name, file_name)]
    return [one for one in found if one is not None and math.isfinite(one.value)]


def disagreement(name: str, found: list[Evidence]) -> str:
    """What has to be asked where two places say different things; else empty."""
    step = {"bias_v": 0.05, "temperature_c": 5.0}.get(name, 0.0)
    first = found[0]
    for other in found[1:]:
        if abs(first.value - other.value) > step:
            return _("%(name)s is %(x)g by %(a)s, but %(y)g by %(b)s") % {
                "name": name,
                "a": first.where,
                "x": first.value,
                "b": other.where,
                "y": other.value,
            }
    return ""
