"""A small good file of every family that is read: what `fuzzing` mutates."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mppcqa.stages.tray_survey import read_folder
from mppcqa.tables import TableError
from mppcqa.tables.mapping import Column, Given, Mapping
from tests.tables import more_families as more
from tests.tables.instruments import INSTRUMENTS, SAMPLE, VOLTS

BIAS = np.round(np.arange(49.0, 57.05, 0.25), 2)
CURRENT = np.where(BIAS > 52.3, 4e-8 * (BIAS - 52.3) ** 2, 0) + 2e-11
COUNTS = np.round(900 * np.exp(-0.5 * ((np.arange(60) % 20 - 6) / 3.0) ** 2)).astype(int)


@dataclass(frozen=True)
class Family:
    """`mapping` reads it where its own marks do not; `table` where any way of writing is meant.

    `own` reads what no mapping does: numbers (rows, n) by kind and channel.
    """

    name: str
    make: Callable[[Path], object]
    text: bool = False
    table: bool = False
    mapping: Mapping | None = None
    conditions: tuple[tuple[str, Given], ...] = ()
    own: Callable[[Path], dict[tuple[str, int], NDArray[np.float64]]] | None = None


def iv(path: Path) -> None:
    rows = [f"{v:.2f},{i:.6e}" for v, i in zip(BIAS, CURRENT, strict=True)]
    path.write_text("\n".join(["Voltage (V),Current (A)", *rows]) + "\n")


def iv_long(path: Path) -> None:
    rows = [
        f"{channel},{v:.2f},{1e9 * i * (channel + 1):.6f},{20 + 0.1 * channel:.1f}"
        for channel in range(3)
        for v, i in zip(BIAS, CURRENT, strict=True)
    ]
    path.write_text("\n".join(["Channel,Bias (V),Current (nA),Temp (C)", *rows]) + "\n")


def spectrum(path: Path) -> None:
    rows = [f"{10 * n},{count}" for n, count in enumerate(COUNTS)]
    path.write_text("\n".join(["ADC,Counts", *rows]) + "\n")


def charges(path: Path) -> None:
    values = np.random.default_rng(8).integers(90, 900, (80, 2))
    path.write_text("\n".join(["Event,HG_0,HG_1", *(f"{n},{a},{b}" for n, (a, b) in
                    enumerate(values))]) + "\n")  # fmt: skip


def waveform(path: Path) -> None:
    rows = [f"{4e-10 * n:.3e},{v:.6f}" for n, v in enumerate(VOLTS[0])]
    path.write_text("\n".join(["Time (s),Voltage (V)", *rows]) + "\n")


def staircase(path: Path) -> None:
    rows = [f"{t},{1000 * (5e4 / (1 + np.exp(t - 20)) + 3e3 / (1 + np.exp(t - 40))):.0f},"
            f"{90 - t}" for t in range(5, 50)]  # fmt: skip
    path.write_text("\n".join(["Threshold (mV),Rate (Hz),Rate err (Hz)", *rows]) + "\n")


def tektronix(path: Path) -> None:
    heads = [("Record Length", "40"), ("Sample Interval", "4.0E-10"), ("Vertical Units", "mV")]
    rows = []
    for n, v in enumerate(VOLTS[0]):
        key, value = heads[n] if n < len(heads) else ("", "")
        rows.append(f"{key},{value},,{4e-10 * n:.3e},{1e3 * v:.6f},")
    path.write_text("\n".join(rows) + "\n")


def wavedump_text(path: Path) -> None:
    lines = []
    for n in range(4):
        lines += ["Record Length: 40", "BoardID: 0", "Channel: 2", f"Event Number: {n}"]
        lines += ["Pattern: 0x0000", f"Trigger Time Stamp: {9 * n}", "DC offset (DAC): 0x1999"]
        lines += [f"{8000 + int(2000 * v) + n}" for v in VOLTS[0]]
    path.write_text("\n".join(lines) + "\n")


def janus_text(path: Path) -> None:
    lines = ["//" + "*" * 40, "// File Format Version 3.1", "// Janus Release 3.0.3"]
    lines += ["// Acquisition Mode: Spectroscopy", "//" + "*" * 40]
    lines += ["   Tstamp_us        TrgID   Brd  Ch       LG       HG"]
    values = np.random.default_rng(9).integers(50, 900, (40, 3, 2))
    for n, event in enumerate(values):
        lines += [
            (f"{12.5 * n:16.3f} {n:12d} " if c == 0 else " " * 30) + f"  00  {c:02d} {a:8d} {b:8d}"
            for c, (a, b) in enumerate(event)
        ]
    path.write_text("\n".join(lines) + "\n")


def hera(path: Path) -> None:
    lines = ["*** Start of Header ***", "Signature:  \t HERA Writer V 1.1", "Ch.:  \t 0 "]
    lines += ["Bias Voltage [V]: \t 55,00 ", "Channel Temperature [°C]: \t 26,10 "]
    lines += ["DGTZ settings:", "Channel 0 Status: \t On ", "Gate Width|Pre|Hold: \t 200 | 72 | 5 "]
    lines += ["*** End of Header ***", " ", "ADC Channel\tCounts\t "]
    lines += [f"{10 * n:.2f} \t{count} \t" for n, count in enumerate(COUNTS)]
    path.write_bytes("\n".join(lines).encode("latin-1") + b"\n")


def lecroy_text(path: Path) -> None:
    lines = ["LECROYHDO6104,5578,Waveform", "Segments,2,SegmentSize,40"]
    lines += ["Segment,TrigTime,TimeSinceSegment1", "#1,16-Jun-2023 10:28:16,0"]
    lines += ["#2,16-Jun-2023 10:28:17,1", "Time,Ampl"]
    for volts in VOLTS:
        lines += [f"{4e-11 * n:.6e},{v:.6f}" for n, v in enumerate(volts)]
    path.write_text("\r\n".join(lines) + "\r\n")


def source_meter(path: Path) -> None:
    pairs = [f"{v:+.6E},{i:+.6E}" for v, i in zip(BIAS, CURRENT, strict=True)]
    path.write_text(",".join(pairs) + "\n")


def petsys(path: Path) -> None:
    values = np.random.default_rng(6).normal(20, 2, 120)
    rows = [f"{1000 * n}\t{q:.3f}\t{67 if n % 3 else 64}" for n, q in enumerate(values)]
    path.write_text("\n".join(rows) + "\n")


def excel(path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["IV sweep"])
    sheet.append(["Voltage (V)", "Current (A)"])
    for v, i in zip(BIAS, CURRENT, strict=True):
        sheet.append([float(v), float(i)])
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(buffer.getvalue())


def root_tree(path: Path) -> None:
    import uproot

    with uproot.recreate(path) as file:
        file.mktree("iv", {"bias_mV": "float64", "current_nA": "float64"})
        file["iv"].extend({"bias_mV": 1e3 * BIAS, "current_nA": 1e9 * CURRENT})


def root_histogram(path: Path) -> None:
    import uproot

    with uproot.recreate(path) as file:
        file["h"] = (COUNTS.astype(float), np.arange(61.0) * 10 - 5)


def hdf5(path: Path) -> None:
    import h5py

    table = np.zeros(len(BIAS), [("Voltage (V)", "f8"), ("Current (nA)", "f8")])
    table["Voltage (V)"], table["Current (nA)"] = BIAS, 1e9 * CURRENT
    with h5py.File(path, "w") as file:
        file.create_dataset("sweep", data=table, chunks=(16,), fletcher32=True)


def tdms(path: Path) -> None:
    from nptdms import ChannelObject, TdmsWriter

    with TdmsWriter(path) as file:
        about = {"wf_increment": 4e-10, "unit_string": "V"}
        file.write_segment([ChannelObject("scope", "CH1", VOLTS[0], about)])


def keithley(path: Path) -> None:
    rows = [
        f"{n},{i:.7E},Amp DC,{v:.6f},Volt DC,T"
        for n, (v, i) in enumerate(zip(BIAS, CURRENT, strict=True))
    ]
    lines = ["Buffer Name,defbuffer1", "Index,Reading,Unit,Value,Unit,Output", *rows]
    path.write_text("\n".join(lines) + "\n")


def maestro(path: Path) -> None:
    lines = ["$SPEC_ID:", "run 7", "$DATA:", f"0 {len(COUNTS) - 1}"]
    path.write_text("\n".join([*lines, *(f"{one:8d}" for one in COUNTS), "$ROI:", "0"]) + "\n")


def survey_of(path: Path) -> dict[tuple[str, int], NDArray[np.float64]]:
    """What a line of a tray's table says of each device; a fault that is told refuses its line."""
    tray = path.parent / "trays" / "250821-1301"
    tray.mkdir(parents=True, exist_ok=True)
    (tray / "IV_result.txt").write_bytes(path.read_bytes())
    (survey,) = read_folder(tray.parent)
    names = ("breakdown_voltage_iv_v", "dark_current_below_na", "dark_current_above_na",
             "forward_resistance_ohm", "temperature_c")  # fmt: skip
    if not survey.devices:
        raise TableError(str(survey.faults[0]) if survey.faults else "no device")
    return {
        ("survey", 20 * one.row + one.column): np.array([[one.values[n][0] for n in names]])
        for one in survey.devices.values()
    }


WAVES = Mapping("waves", "hdf5", "waveform", (Column("adc", "signal"),), SAMPLE, tree="daq")
VECTORS = Mapping("waves", "root", "waveform", (Column("wave", "signal"),), SAMPLE)
FAMILIES = (
    Family("iv_20C.csv", iv, text=True, table=True),
    Family("iv_long.csv", iv_long, text=True, table=True),
    Family("spectrum_54V_20C.csv", spectrum, text=True, table=True),
    Family("charges_54V_20C.csv", charges, text=True, table=True),
    Family("waveform_54V_20C.csv", waveform, text=True, table=True),
    Family("staircase_54V_20C.csv", staircase, text=True, table=True),
    Family("tek_54V_20C.csv", tektronix, text=True),
    Family("wave_54V_20C.txt", wavedump_text, text=True, conditions=tuple(SAMPLE.items())),
    Family("Run1_list_54V_20C.txt", janus_text, text=True),
    Family("hera.txt", hera, text=True),
    Family("lecroy_54V_20C.txt", lecroy_text, text=True),
    Family("smu_20C.txt", source_meter, text=True),
    Family("k2450_20C.csv", keithley, text=True),
    Family("maestro_54V_20C.spe", maestro, text=True),
    Family("petsys_single_54V_20C.dat", petsys, text=True),
    Family("iv_20C.xlsx", excel),
    Family("iv_20C.root", root_tree),
    Family("h_54V_20C.root", root_histogram),
    Family("iv_20C.h5", hdf5),
    Family("pulse_54V_20C.tdms", tdms),
    Family("iv_20C.xls", more.xls),
    Family("iv_20C.ods", more.ods),
    Family("iv_20C.parquet", more.parquet),
    Family("amptek_54V_20C.mca", more.amptek, text=True),
    Family("easyexpert_20C.csv", more.easyexpert, text=True),
    Family("siglent_54V_20C.csv", more.siglent, text=True),
    Family("rigol_54V_20C.csv", more.rigol, text=True),
    Family("Run2_list_54V_20C.csv", more.janus_csv, text=True, table=True),
    Family("DataR_54V_20C.csv", more.compass_csv, text=True),
    Family("DataR_54V_20C.root", more.compass_root),
    Family("citiroc_54V_20C.txt", more.citiroc, text=True),
    Family("h2_54V_20C.root", more.root_by_channel),
    Family("vectors_54V_20C.root", more.root_vectors, mapping=VECTORS),
    Family("waves_54V_20C.h5", more.hdf5_waves, mapping=WAVES),
    Family("sweep_20C.tdms", more.tdms_sweep),
    Family("sweep_20C.lvm", more.lvm_sweep, text=True),
    Family("tek1_54V_20C.wfm", more.wfm_1),
    Family("IV_result.txt", more.lfhcal, text=True, own=survey_of),
    *(Family(one.name, one.make, one.text, conditions=tuple(one.conditions.items()))
      for one in INSTRUMENTS),
)  # fmt: skip

OF_ROWS: dict[str, tuple[str, ...]] = {
    "tables: CSV": (
        *("iv_20C.csv", "iv_long.csv", "spectrum_54V_20C.csv"),
        *("charges_54V_20C.csv", "waveform_54V_20C.csv"),
    ),
    "Excel .xlsx": ("iv_20C.xlsx",),
    "Excel .xls": ("iv_20C.xls", "iv_20C.ods"),
    "Parquet": ("iv_20C.parquet",),
    "sweeps of a Keithley": ("k2450_20C.csv", "easyexpert_20C.csv"),
    "ORTEC .spe": ("maestro_54V_20C.spe", "amptek_54V_20C.mca"),
    "source meters": ("smu_20C.txt",),
    "CAEN Janus (A5202": ("Run1_list_54V_20C.txt", "Run7_list_54V_20C.dat"),
    "CAEN Janus CSV": ("Run2_list_54V_20C.csv", "DataR_54V_20C.csv"),
    "CAEN CoMPASS ROOT": ("DataR_54V_20C.root",),
    "CAEN WaveDump text": ("wave_54V_20C.txt",),
    "CAEN WaveDump binary": ("wave3_54V_20C.dat", "wave5_54V_20C.dat"),
    "CAEN HERA": ("hera.txt",),
    "DRS4": ("drs_54V_20C.dat", "drs_54V_20C.xml"),
    "Tektronix, Siglent": ("tek_54V_20C.csv", "siglent_54V_20C.csv", "rigol_54V_20C.csv"),
    "Tektronix .isf": ("tek_54V_20C.isf",),
    "Tektronix .wfm": ("tek_54V_20C.wfm", "tek1_54V_20C.wfm"),
    "Keysight": ("scope_54V_20C.csv", "infiniium_54V_20C.csv", "pico_54V_20C.csv"),
    "LeCroy": ("lecroy_54V_20C.txt", "C2_54V_20C.trc"),
    "LabVIEW .lvm": ("labview_54V_20C.lvm", "sweep_20C.lvm"),
    "LabVIEW .tdms": ("pulse_54V_20C.tdms", "sweep_20C.tdms"),
    "PETsys text": ("petsys_single_54V_20C.dat",),
    "Citiroc text": ("citiroc_54V_20C.txt",),
    "rate against threshold": ("staircase_54V_20C.csv",),
    "ROOT": ("iv_20C.root", "h_54V_20C.root", "h2_54V_20C.root", "vectors_54V_20C.root"),
    "HDF5": ("iv_20C.h5", "waves_54V_20C.h5"),
    "ePIC LFHCal trays": ("IV_result.txt",),
}
"""Families of each row of the table in `docs/formats.md`, by how the row begins."""
