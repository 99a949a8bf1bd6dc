"""Small good files of formats that several programs write: what `fuzzing` mutates as well."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.tables.instruments import ADC, VOLTS
from tests.tables.sheets import Cell, write_ods, write_xls

BIAS = np.round(np.arange(49.0, 57.05, 0.25), 2)
CURRENT = np.where(BIAS > 52.3, 4e-8 * (BIAS - 52.3) ** 2, 0) + 2e-11
PEAKS = np.round(900 * np.exp(-0.5 * ((np.arange(256) % 40 - 12) / 4.0) ** 2)).astype(int)
EVENTS = np.random.default_rng(12).integers(90, 900, (60, 2))


def _sweep() -> list[list[Cell]]:
    head: list[Cell] = ["Voltage (V)", "Current (nA)"]
    return [head, *([float(v), float(1e9 * i)] for v, i in zip(BIAS, CURRENT, strict=True))]


def xls(path: Path) -> None:
    write_xls(path, [["IV sweep"], *_sweep()])


def ods(path: Path) -> None:
    write_ods(path, [["IV sweep"], *_sweep()])


def parquet(path: Path) -> None:
    """As pandas writes it, and not compressed: there a changed byte is a changed number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"Voltage (V)": BIAS, "Current (A)": CURRENT})
    pq.write_table(table, path, compression="none", use_dictionary=False)


def amptek(path: Path) -> None:
    lines = ["<<PMCA SPECTRUM>>", "TAG - live_data", "DESCRIPTION - run 7", "GAIN - 6"]
    lines += ["THRESHOLD - 10", "LIVE_TIME - 60.000000", "REAL_TIME - 61.2", "<<DATA>>"]
    lines += [*map(str, PEAKS), "<<END>>", "<<DP5 CONFIGURATION>>", "MCAC=256;"]
    path.write_bytes("\r\n".join([*lines, "<<DP5 CONFIGURATION END>>"]).encode() + b"\r\n")


def easyexpert(path: Path) -> None:
    lines = ["SetupTitle, I/V Sweep", "PrimitiveTest, I/V Sweep", "TestParameter, Channel.Unit, S1"]
    lines += ["AnalysisSetup, Analysis.Setup.Vector.Graph.Enabled, true"]
    lines += [f"Dimension1, {len(BIAS)}, {len(BIAS)}", "DataName, V1, I1"]
    lines += [f"DataValue, {v:.2f}, {i:.6E}" for v, i in zip(BIAS, CURRENT, strict=True)]
    path.write_text("\r\n".join(lines) + "\r\n")


def siglent(path: Path) -> None:
    lines = ["Record Length,Analog:40", "Sample Interval,Analog:4.0E-10", "Vertical Units,V"]
    lines += ["Vertical Scale,CH1:0.5", "Horizontal Units,s", "Second,Volt"]
    lines += [f"{4e-10 * n:.6e},{v:.6f}" for n, v in enumerate(VOLTS[0])]
    path.write_text("\n".join(lines) + "\n")


def rigol(path: Path) -> None:
    lines = ["X,CH1,Start,Increment,", "Sequence,Volt,-8.0e-09,4.0e-10,"]
    lines += [f"{n},{v:.5e},," for n, v in enumerate(VOLTS[0])]
    path.write_text("\n".join(lines) + "\n")


def janus_csv(path: Path) -> None:
    rows = [f"{12.5 * n:.3f},{n},0,{c},{a // 3},{a}" for n, event in enumerate(EVENTS)
            for c, a in enumerate(event)]  # fmt: skip
    path.write_text("\n".join(["Tstamp_us,TrgID,Brd,Ch,LG,HG", *rows]) + "\n")


def compass_csv(path: Path) -> None:
    rows = [f"0;{n % 2};{1000 * n + 17};{a};{a // 4};0x4000" for n, a in enumerate(EVENTS[:, 0])]
    head = "BOARD;CHANNEL;TIMETAG;ENERGY;ENERGYSHORT;FLAGS"
    path.write_text("\n".join([head, *rows]) + "\n")


def compass_root(path: Path) -> None:
    import uproot

    numbers = np.arange(len(EVENTS))
    branches = {
        "Channel": (numbers % 2).astype("u2"),
        "Timestamp": (1000 * numbers).astype("u8"),
        "Board": np.zeros(len(EVENTS), "u2"),
        "Energy": EVENTS[:, 0].astype("u2"),
        "Flags": np.full(len(EVENTS), 0x4000, "u4"),
    }
    with uproot.recreate(path) as file:
        file.mktree("Data_R", {name: values.dtype for name, values in branches.items()})
        file["Data_R"].extend(branches)


def citiroc(path: Path) -> None:
    rows = [f"{n} {a} {b}" for n, (a, b) in enumerate(EVENTS)]
    path.write_text("\n".join(["EventID HG_0 HG_1", *rows]) + "\n")


def root_by_channel(path: Path) -> None:
    """Counts of charge against channel."""
    import uproot

    identify = uproot.writing.identify
    counts = np.stack([PEAKS[:60] // n for n in (10, 20, 30)]).astype(float)
    data = np.pad(counts, 1).T.ravel()
    axes = (identify.to_TAxis("xaxis", "channel", 3, 0, 3),
            identify.to_TAxis("yaxis", "charge [ADC]", 60, -5, 595))  # fmt: skip
    sums = (counts.sum(),) * 3 + (0.0,) * 5
    with uproot.recreate(path) as file:
        file["h"] = identify.to_TH2x("h", "charges", data, *sums, data, *axes)


def root_vectors(path: Path) -> None:
    """Samples as a std::vector of one length an entry, as macros of data acquisition write them."""
    import awkward as ak
    import uproot

    with uproot.recreate(path) as file:
        file["waves"] = {"wave": ak.Array([list(map(float, one)) for one in ADC])}


def hdf5_waves(path: Path) -> None:
    """Waveforms as they lie in the file, which are read past the library."""
    import h5py

    with h5py.File(path, "w") as file:
        file["daq/adc"] = ADC


def tdms_sweep(path: Path) -> None:
    from nptdms import ChannelObject, TdmsWriter

    with TdmsWriter(path) as file:
        columns = (("Voltage", BIAS, "V"), ("Current", 1e9 * CURRENT, "nA"))
        file.write_segment(
            [
                ChannelObject("iv", name, values, {"unit_string": unit})
                for name, values, unit in columns
            ]
        )


def lvm_sweep(path: Path) -> None:
    lines = ["LabVIEW Measurement", "Separator\tTab", "Decimal_Separator\t.", "X_Columns\tNo"]
    lines += ["***End_of_Header***\t", "", "Channels\t2\t", f"Samples\t{len(BIAS)}\t{len(BIAS)}\t"]
    lines += ["Y_Unit_Label\tV\tA", "***End_of_Header***\t\t", "X_Value\tVoltage\tCurrent\tComment"]
    lines += [f"\t{v:.4f}\t{i:.6E}" for v, i in zip(BIAS, CURRENT, strict=True)]
    path.write_text("\n".join(lines) + "\n")


def wfm_1(path: Path) -> None:
    """A Tektronix .wfm of version 1, one waveform with 4 samples before and after it."""
    raw = np.pad((VOLTS[0] / 2e-5).round().astype("<i2"), 4)
    vertical = 166
    horizontal, curve = vertical + 312, vertical + 624
    head = bytearray(curve + 60)
    head[:10], head[15] = b"\x0f\x0f:WFM#001", 2
    for kind, at, values in (
        ("3I", 114, (1, 1, 2)), ("2d", vertical, (2e-5, 0.0)), ("2I", vertical + 72, (0, 0)),
        ("2d", horizontal, (4e-10, 0.0)), ("5I", curve + 10, (0, 8, 88, 96, 96)),
        ("I", 16, (len(head),)), ("i", 11, (len(head) + raw.nbytes - 15,)),
    ):  # fmt: skip
        struct.pack_into("<" + kind, head, at, *values)
    head[15] = 2
    head[vertical + 20 : vertical + 21], head[horizontal + 20 : horizontal + 21] = b"V", b"s"
    path.write_bytes(bytes(head) + raw.tobytes())


def lfhcal(path: Path) -> None:
    """Lines of 2026: ten columns that are known, two that are not."""
    rng = np.random.default_rng(21)
    lines = []
    for n in range(40):
        raw, deviation = 38.2 + 0.3 * rng.random(), 0.01 + 0.02 * rng.random()
        lines.append(
            f"250821-1301 250821-1301_{n // 20}_{n % 20} {24 + rng.random():.3f} {deviation:.4f} "
            f"{raw:.4f} {raw + 0.02:.4f} {rng.random():.1f} {9 + 4 * rng.random():.1f} "
            f"{23 + rng.random():.2f} {110 + 9 * rng.random():.2f} {rng.random():.3f} {n:d}"
        )
    path.write_text("\n".join(lines) + "\n")
