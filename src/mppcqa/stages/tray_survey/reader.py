"""Reads the text files of the LFHCal trays (public repository imooney/Yale-LFHCal-SiPM-QC).

A tray is a folder with ``IV_result.txt`` and ``SPS_result_onlynumbers.txt``: columns apart by
blanks, the known ones first, as the header files of 2025 name them; files of 2026 have more, which
are kept as they stand. A line of headings, where there is one, says what the columns are. Rows of
20 columns repeat the parameters of the measurement and hold no device. ``tray_nominal_data.txt``
beside the folders gives the maker's operating voltage of each tray. A folder may end in
``-results``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from mppcqa.stages.surveys import SurveyedDevice, SurveyedTray, SurveyFault
from mppcqa.tables.headings import plain_head, read_head
from mppcqa.tables.layout import BLANKS, split
from mppcqa.tables.numbers import NOT_FINITE, to_number
from mppcqa.tables.text import ends_with_line, read_lines

ROWS, COLUMNS = 23, 20
DEVICE_TYPE, MAKER = "SiPM of the ePIC LFHCal", "Hamamatsu"
DEVICE = re.compile(r"(?P<tray>\d{6}-\d{4})_(?P<row>\d+)_(?P<column>\d+)$")
PARAMETER_COLUMNS = 20
IV_COLUMNS = (
    "note",
    "serial",
    "temperature",
    "temperature deviation",
    "raw breakdown voltage",
    "breakdown voltage at 25 degC",
    "dark current below",
    "dark current above",
    "temperature before",
    "forward resistance",
)
SPS_COLUMNS = (
    "serial",
    "peaks",
    "fit width",
    "raw breakdown voltage",
    "temperature",
    "temperature uncertainty",
    "breakdown voltage at 25 degC",
    "uncertainty",
    "chi2ndf",
    "p0",
    "p1",
)
"""Columns of 2025 in their order; those of later years come behind them."""
NEEDED = {"serial", "breakdown voltage at 25 degC", "uncertainty", "temperature deviation",
          "dark current below", "dark current above", "forward resistance"}  # fmt: skip
HEADINGS = (
    (re.compile(r"tray ?id.*|note"), "note"),
    (re.compile(r"sipm ?id|serial.*"), "serial"),
    (re.compile(r"average temperature|avg temp.*"), "temperature"),
    (re.compile(r"temperature deviation|stdev temp.*"), "temperature deviation"),
    (re.compile(r"temperature (unc\w*)"), "temperature uncertainty"),
    (re.compile(r"(raw|row) v(bd|peak)"), "raw breakdown voltage"),
    (re.compile(r"v(bd|peak) ?[@(]? ?25 ?c\)?"), "breakdown voltage at 25 degC"),
    (re.compile(r"i ?dark ?[@(]? ?3 ?v\)?.*"), "dark current below"),
    (re.compile(r"i ?dark ?[@(]? ?\+4 ?v\)?.*"), "dark current above"),
    (re.compile(r"tem\w+ before .*"), "temperature before"),
    (re.compile(r"forward res\w*"), "forward resistance"),
    (re.compile(r"used peaks"), "peaks"),
    (re.compile(r"fit width"), "fit width"),
    (re.compile(r"v(bd|peak) unc\w*"), "uncertainty"),
    (re.compile(r"chi ?2.*"), "chi2ndf"),
    (re.compile(r"p0.*"), "p0"),
    (re.compile(r"p1.*"), "p1"),
)
POSSIBLE = {
    "temperature": (-60.0, 80.0),
    "temperature before": (-60.0, 80.0),
    "raw breakdown voltage": (10.0, 100.0),
    "breakdown voltage at 25 degC": (10.0, 100.0),
}
"""A number outside is of another column."""
IV_FILE, SPS_FILE, NOMINAL_FILE = (
    "IV_result.txt",
    "SPS_result_onlynumbers.txt",
    "tray_nominal_data.txt",
)


def rounding(step: float) -> float:
    """Standard uncertainty of a number that was printed in steps of `step`: step / sqrt(12)."""
    return step / math.sqrt(12)


class _BadLine(ValueError):
    pass


def read_folder(folder: Path) -> list[SurveyedTray]:
    """Every tray below a folder; a folder without trays is a `ValueError` that says so."""
    folder = Path(folder)
    trays = sorted({path.parent for path in folder.glob(f"*/{IV_FILE}")})
    trays += sorted({path.parent for path in folder.glob(f"*/{SPS_FILE}")} - set(trays))
    if not trays:
        raise ValueError(
            f"{folder} holds no tray: expected folders with {IV_FILE} and {SPS_FILE} in them"
        )
    nominal, nominal_faults = _read_nominal(folder / NOMINAL_FILE)
    surveys = [_read_tray(tray, nominal) for tray in trays]
    if nominal_faults:
        first = surveys[0]
        surveys[0] = replace(first, faults=(*nominal_faults, *first.faults))
    return surveys


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Cells of each line with its number."""
    if not path.is_file() or not path.stat().st_size:
        return []
    lines = enumerate(read_lines(path), 1)
    return [(number, parts) for number, line in lines if (parts := split(line, BLANKS))]


def _cut_line(path: Path, rows: list[tuple[int, list[str]]]) -> int:
    """Number of a last line that a cut may have left: without its end or its last blank, or with a
    last number shorter than others, or without others to compare; 0 where none is.
    """
    if not rows or ends_with_line(path):
        return 0
    number, parts = rows[-1]
    *others, last = path.read_bytes().splitlines()[-20:]
    if len(rows) == 1:
        return 0 if last[-1:].isspace() else number
    if all(line[-1:].isspace() for line in others if line.strip()):
        return 0 if last[-1:].isspace() else number
    longest = max(len(cells[-1]) for _number, cells in rows[:-1])
    return number if len(parts[-1]) < longest else 0


def _usual_width(rows: list[tuple[int, list[str]]]) -> int:
    """Columns that most lines have, those of parameters apart."""
    widths = Counter(len(parts) for _number, parts in rows if len(parts) != PARAMETER_COLUMNS)
    return widths.most_common(1)[0][0] if widths else 0


def _read_nominal(path: Path) -> tuple[dict[str, float], list[SurveyFault]]:
    voltages: dict[str, float] = {}
    faults = []
    for number, parts in _lines(path):
        if parts[0].startswith(("#", "$")):
            continue
        try:
            tray, voltage = parts
            voltages[tray] = _number(voltage, "operating voltage")
        except ValueError as error:
            faults.append(SurveyFault(path, number, f"expected a tray and a voltage: {error}"))
    return voltages, faults


def _read_tray(folder: Path, nominal: dict[str, float]) -> SurveyedTray:
    devices: dict[str, SurveyedDevice] = {}
    faults: list[SurveyFault] = []
    files = (folder / IV_FILE, folder / SPS_FILE)
    for path, read, names in zip(
        files, (_take_iv, _take_sps), (IV_COLUMNS, SPS_COLUMNS), strict=True
    ):
        if not path.is_file():
            faults.append(SurveyFault(path, 0, "the file is missing"))
        seen: set[str] = set()
        columns = names
        lines = _lines(path)
        width, cut = _usual_width(lines), _cut_line(path, lines)
        for number, parts in lines:
            try:
                if found := _heading(path, parts):
                    columns = found
                    continue
                if len(parts) == PARAMETER_COLUMNS:
                    continue  # parameters of the measurement
                if len(columns) <= len(parts) != width:
                    raise _BadLine(f"has {len(parts)} columns, the others have {width}")
                row, more = _row(parts, columns, names)
                device = _place(row["serial"], devices, seen)
                if number == cut:
                    raise _BadLine("has no end: was the file cut off?")
                read(device, row)
                devices[device.serial] = device
                if more:
                    device.kept[path.name] = more
                serial = device.serial
            except _BadLine as error:
                faults.append(SurveyFault(path, number, str(error)))
            else:
                seen.add(serial)
    for device in devices.values():
        if device.tray in nominal:
            device.values["nominal_voltage_v"] = (
                nominal[device.tray],
                rounding(0.1),
                "printed on the maker's package in steps of 0.1 V",
            )
    _compare_with_tray(devices)
    there = tuple(path for path in files if path.is_file())
    voltages = (one.values.get("nominal_voltage_v") for one in devices.values())
    voltage = next((found[0] for found in voltages if found), None)
    return SurveyedTray(
        tray=folder.name.removesuffix("-results"),
        rows=ROWS,
        columns=COLUMNS,
        device_type=DEVICE_TYPE,
        maker=MAKER,
        maker_values={} if voltage is None else {"nominal_voltage_v": voltage},
        devices=devices,
        files=there,
        faults=tuple(faults),
    )


def _heading(path: Path, parts: list[str]) -> tuple[str, ...]:
    """Names of the columns, where a line is one of headings; else empty."""
    line = " ".join(parts)
    cells = [cell for cell in (line.split(",") if "," in line else parts) if cell.strip()]
    names = []
    for cell in cells:
        # A temperature is a condition elsewhere; here it is part of a quantity's name.
        head = read_head(cell)
        plain = [re.sub(r"[()]", "", plain_head(text)) for text in (head.name, head.head)]
        known = [name for words, name in HEADINGS if any(map(words.fullmatch, plain))]
        names.append(known[0] if known else f"?{cell.strip()}")
    if "serial" not in names or sum(not name.startswith("?") for name in names) < len(names) / 2:
        return ()
    return tuple(names)


def _row(
    parts: list[str], columns: tuple[str, ...], due: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """Cells of the known columns by name, and those of the others."""
    if len(parts) < len(columns):
        raise _BadLine(f"has {len(parts)} columns, expected {len(columns)} or more")
    named = dict(zip(columns, parts, strict=False))
    if missing := [name for name in due if name not in named and name in NEEDED]:
        raise _BadLine(f"its headings name no {', '.join(missing)}")
    for name, (low, high) in POSSIBLE.items():
        if name in named and not low <= _number(named[name], name) <= high:
            raise _BadLine(
                f"{name}: {named[name]} can't be so ({low:g} to {high:g}): are the columns others?"
            )
    more = [cell for name, cell in named.items() if name.startswith("?")]
    return named, more + parts[len(columns) :]


def _number(text: str, name: str) -> float:
    value = to_number(text, ".")
    if (value is None and NOT_FINITE.fullmatch(text)) or (value is not None and abs(value) > 9e37):
        raise _BadLine(f"{name}: {text} is not finite")
    if value is None:
        raise _BadLine(f"{name}: {text!r} is no number")
    return value


def _place(serial: str, devices: dict[str, SurveyedDevice], seen: set[str]) -> SurveyedDevice:
    found = DEVICE.match(serial)
    if not found:
        raise _BadLine(f"{serial!r} is no device number of the form TRAY_row_column")
    row, column = int(found["row"]), int(found["column"])
    if row >= ROWS or column >= COLUMNS:
        raise _BadLine(f"{serial}: a tray has {ROWS} x {COLUMNS} positions, counted from 0")
    if serial in seen:
        raise _BadLine(f"{serial} stands twice in this file")
    return devices.get(serial) or SurveyedDevice(serial, found["tray"], row, column)


def _take_iv(device: SurveyedDevice, row: dict[str, str]) -> None:
    temperature, deviation, breakdown, below, above, resistance = (
        _number(row[name], name)
        for name in (
            "temperature",
            "temperature deviation",
            "breakdown voltage at 25 degC",
            "dark current below",
            "dark current above",
            "forward resistance",
        )
    )
    printed = "as printed; the uncertainty is that of rounding alone"
    device.values |= {
        "breakdown_voltage_iv_v": (breakdown, math.nan, "IV curve, at 25 degC"),
        "dark_current_below_na": (below, rounding(0.1), printed),
        "dark_current_above_na": (above, rounding(0.1), printed),
        "forward_resistance_ohm": (resistance, rounding(0.01), printed),
        "temperature_c": (
            temperature,
            math.hypot(deviation, rounding(0.001)),
            "mean and deviation during the measurement",
        ),
    }


def _take_sps(device: SurveyedDevice, row: dict[str, str]) -> None:
    breakdown = _number(row["breakdown voltage at 25 degC"], "breakdown voltage at 25 degC")
    uncertainty = _number(row["uncertainty"], "its uncertainty")
    if uncertainty <= 0:
        raise _BadLine(
            f"the uncertainty {row['uncertainty']} of the breakdown voltage is not positive"
        )
    device.values["breakdown_voltage_sps_v"] = (
        breakdown,
        uncertainty,
        "single photon spectra at several voltages, at 25 degC",
    )


def _compare_with_tray(devices: dict[str, SurveyedDevice]) -> None:
    """What needs the whole tray: offsets from its median, and the scatter of the IV method.

    The files give no uncertainty for the breakdown voltage from IV. The scatter of (IV -
    spectra) around its median over the tray bounds it from above: the spectra's share is in it.
    The scatter is the median absolute deviation x 1.4826, so that single bad devices do not
    widen it.
    """
    both = [
        device
        for device in devices.values()
        if {"breakdown_voltage_iv_v", "breakdown_voltage_sps_v"} <= device.values.keys()
    ]
    scatter = rounding(0.0001)
    if len(both) >= 10:
        difference = np.array(
            [
                device.values["breakdown_voltage_iv_v"][0]
                - device.values["breakdown_voltage_sps_v"][0]
                for device in both
            ]
        )
        deviation = 1.4826 * np.median(np.abs(difference - np.median(difference)))
        scatter = max(float(deviation), scatter)
    spectra = [
        device.values["breakdown_voltage_sps_v"][0]
        for device in devices.values()
        if "breakdown_voltage_sps_v" in device.values
    ]
    centre = float(np.median(spectra)) if spectra else math.nan
    for device in devices.values():
        if found := device.values.get("breakdown_voltage_iv_v"):
            method = f"{found[2]}; uncertainty from the scatter against spectra in the tray"
            device.values["breakdown_voltage_iv_v"] = (found[0], scatter, method)
        if found := device.values.get("breakdown_voltage_sps_v"):
            device.values["breakdown_offset_v"] = (
                found[0] - centre,
                found[1],
                f"spectra, less the median {centre:.4f} V of {len(spectra)} devices",
            )
