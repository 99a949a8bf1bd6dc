"""Reads the text files of the LFHCal trays (public repository imooney/Yale-LFHCal-SiPM-QC).

A tray is a folder with ``IV_result.txt`` (rows of 10 columns; rows of 20 repeat the parameters of
the measurement and hold no device) and ``SPS_result_onlynumbers.txt`` (rows of 11 columns).
``tray_nominal_data.txt`` beside the folders gives the maker's operating voltage of each tray.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 23, 20
DEVICE = re.compile(r"(?P<tray>\d{6}-\d{4})_(?P<row>\d+)_(?P<column>\d+)$")
IV_COLUMNS, IV_PARAMETER_COLUMNS, SPS_COLUMNS = 10, 20, 11
IV_FILE, SPS_FILE, NOMINAL_FILE = (
    "IV_result.txt",
    "SPS_result_onlynumbers.txt",
    "tray_nominal_data.txt",
)


def rounding(step: float) -> float:
    """Standard uncertainty of a number that was printed in steps of `step`: step / sqrt(12)."""
    return step / math.sqrt(12)


@dataclass(frozen=True)
class SurveyFault:
    """A line that could not be used."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}:{self.line}: {self.what}"


@dataclass
class SurveyedDevice:
    """One SiPM of a tray; `values` holds (value, standard uncertainty, method) by quantity."""

    serial: str
    tray: str
    row: int
    column: int
    values: dict[str, tuple[float, float, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class TraySurvey:
    """A tray: its devices by serial, the files that they came from, and what was wrong."""

    tray: str
    devices: dict[str, SurveyedDevice]
    files: tuple[Path, ...]
    faults: tuple[SurveyFault, ...]


class _BadLine(ValueError):
    pass


def read_folder(folder: Path) -> list[TraySurvey]:
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
        surveys[0] = TraySurvey(
            first.tray, first.devices, first.files, (*nominal_faults, *first.faults)
        )
    return surveys


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if parts := line.split():
            yield number, parts


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


def _read_tray(folder: Path, nominal: dict[str, float]) -> TraySurvey:
    devices: dict[str, SurveyedDevice] = {}
    faults: list[SurveyFault] = []
    files = (folder / IV_FILE, folder / SPS_FILE)
    for path, read in zip(files, (_read_iv, _read_sps), strict=True):
        if not path.is_file():
            faults.append(SurveyFault(path, 0, "the file is missing"))
        seen: set[str] = set()
        for number, parts in _lines(path):
            try:
                serial = read(parts, devices, seen)
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
    return TraySurvey(folder.name, devices, there, tuple(faults))


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _BadLine(f"{name}: {text!r} is no number") from None
    if not math.isfinite(value):
        raise _BadLine(f"{name}: {text} is not finite")
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


def _read_iv(parts: list[str], devices: dict[str, SurveyedDevice], seen: set[str]) -> str:
    if len(parts) == IV_PARAMETER_COLUMNS:
        return ""  # parameters of the measurement
    if len(parts) != IV_COLUMNS:
        raise _BadLine(f"has {len(parts)} columns, expected {IV_COLUMNS}")
    device = _place(parts[1], devices, seen)
    names = (
        "temperature",
        "its deviation",
        "breakdown voltage",
        "breakdown voltage at 25 degC",
        "dark current below",
        "dark current above",
        "temperature before",
        "forward resistance",
    )
    temperature, deviation, _, breakdown, below, above, _, resistance = (
        _number(text, name) for text, name in zip(parts[2:], names, strict=True)
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
    devices[device.serial] = device
    return device.serial


def _read_sps(parts: list[str], devices: dict[str, SurveyedDevice], seen: set[str]) -> str:
    if len(parts) != SPS_COLUMNS:
        raise _BadLine(f"has {len(parts)} columns, expected {SPS_COLUMNS}")
    device = _place(parts[0], devices, seen)
    breakdown = _number(parts[6], "breakdown voltage at 25 degC")
    uncertainty = _number(parts[7], "its uncertainty")
    if uncertainty <= 0:
        raise _BadLine(f"the uncertainty {parts[7]} of the breakdown voltage is not positive")
    device.values["breakdown_voltage_sps_v"] = (
        breakdown,
        uncertainty,
        "single photon spectra at several voltages, at 25 degC",
    )
    devices[device.serial] = device
    return device.serial


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
