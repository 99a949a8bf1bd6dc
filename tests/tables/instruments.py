"""Small files of instruments and their programs, made by the formats' public descriptions.

Each maker writes a file and gives what it holds, channel by channel: waveforms [V or ADC]
(n, samples), or charges (n,). The tests read them; ``make fuzz`` mutates them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.stored import pieces

Truth = dict[int, NDArray[np.float64]]
RNG = np.random.default_rng(17)
PULSES = np.round(1000 * np.exp(-0.5 * ((np.arange(40) - 12) / 3.0) ** 2))
ADC = (8000 + PULSES + RNG.integers(-3, 4, (6, 40))).astype("<u2")
VOLTS = np.round(1e-3 * (PULSES / 50 + RNG.normal(0, 0.3, (2, 40))), 6)


@dataclass(frozen=True)
class Instrument:
    """A file of one format; `step_s` is the time between samples, 0 for charges."""

    key: str
    name: str
    make: Callable[[Path], Truth]
    step_s: float = 0.0
    conditions: dict[str, Given] = field(default_factory=dict)
    text: bool = False
    within: float = 2e-6
    """Of the largest number, by which what is read may differ."""

    def path(self, folder: Path) -> tuple[Path, Truth]:
        path = folder / self.name
        return path, self.make(path)


def found_in(parts: list[Measured]) -> Truth:
    """What was read, in the form of what makers give."""
    found: Truth = {}
    for part in parts:
        if part.waveforms is not None:
            found[part.channels[0]] = np.concatenate(list(pieces(part.waveforms))).astype(float)
        elif part.charges is not None:
            for place, channel in enumerate(part.channels):
                values = part.charges[:, place].astype(float)
                found[channel] = values[np.isfinite(values)]
    return found


def wavedump(path: Path) -> Truth:
    with path.open("wb") as file:
        for number, samples in enumerate(ADC):
            file.write(struct.pack("<6I", 24 + 2 * len(samples), 0, 0, 3, number, 1000 * number))
            file.write(samples.tobytes())
    return {3: ADC.astype(float)}


def wavedump_x742(path: Path) -> Truth:
    waves = (ADC[:4] / 4.0).astype("<f4")
    with path.open("wb") as file:
        for number, samples in enumerate(waves):
            file.write(struct.pack("<6I", 24 + 4 * len(samples), 0, 0, 5, number, 1000 * number))
            file.write(samples.tobytes())
    return {5: waves.astype(float)}


def janus(path: Path) -> Truth:
    """Two boards of spectroscopy and timing; channel 1 of board 0 has both gains and a time."""
    events = np.random.default_rng(3).integers(100, 4000, (30, 2, 2, 2))
    data = struct.pack("<2B3BHHBHBfQ", 3, 4, 4, 2, 1, 5202, 7, 3, 4096, 0, 0.5, 1_700_000_000_000)
    for number, boards in enumerate(events):
        for board, channels in enumerate(boards):
            body = b""
            for channel, (low, high) in enumerate(channels):
                timed = channel == 1 and number % 2
                body += struct.pack("<BBHH", channel, 0x13 if timed else 0x03, low, high)
                body += struct.pack("<I", 77) if timed else b""
            head = struct.pack("<HBdQQ", 27 + len(body), board, 10.5 * number, number, 0b11)
            data += head + body
    path.write_bytes(data)
    return {64 * b + c: events[:, b, c, 1].astype(float) for b in (0, 1) for c in (0, 1)}


def lecroy(path: Path) -> Truth:
    raw = (VOLTS / 1e-5).round().astype("<i2")
    head = bytearray(346)
    head[:8], head[16:27] = b"WAVEDESC", b"LECROY_2_3\0"
    for kind, at, value in (
        ("h", 32, 1), ("h", 34, 1), ("i", 36, 346), ("i", 60, raw.nbytes), ("i", 116, raw.size),
        ("i", 144, 2), ("f", 156, 1e-5), ("f", 160, 0.0), ("f", 176, 4e-10), ("H", 344, 1),
    ):  # fmt: skip
        struct.pack_into("<" + kind, head, at, value)
    head[76:92] = b"LECROYHDO6104\0\0\0"
    head[196:197], head[244:245] = b"V", b"S"
    body = bytes(head) + raw.tobytes()
    path.write_bytes(b"#9%09d" % len(body) + body)
    return {0: raw * 1e-5}


def isf(path: Path) -> Truth:
    raw = (VOLTS[0] / 2e-5).round().astype(">i2")
    head = (
        ':WFMPRE:BYT_NR 2;BIT_NR 16;ENCDG BIN;BN_FMT RI;BYT_OR MSB;NR_PT 40;WFID "Ch1, DC, '
        '40 points";PT_FMT Y;XINCR 4.0E-10;PT_OFF 0;XZERO -1.0E-9;XUNIT "s";YMULT 2.0E-5;'
        'YZERO 0.0;YOFF 100.0;YUNIT "V";:CURVE #280'
    )
    path.write_bytes(head.encode() + raw.tobytes())
    return {0: (raw[None, :] - 100.0) * 2e-5}


def wfm(path: Path) -> Truth:
    """Version 3, two frames of 40 samples with 4 before and after them."""
    raw = (VOLTS / 2e-5).round().astype("<i2")
    framed = np.pad(raw, ((0, 0), (4, 4)))
    start = 838 + 24 + 30
    head = bytearray(start)
    head[:10] = b"\x0f\x0f:WFM#003"
    head[15] = 2
    for kind, at, value in (
        ("I", 16, start), ("I", 72, 1), ("I", 78, 1), ("I", 114, 1), ("I", 118, 1), ("I", 122, 2),
        ("d", 168, 2e-5), ("d", 176, 0.0), ("I", 240, 0), ("I", 244, 0), ("d", 488, 4e-10),
        ("d", 496, 0.0), ("I", 818, 0), ("I", 822, 8), ("I", 826, 88), ("I", 830, 96),
    ):  # fmt: skip
        struct.pack_into("<" + kind, head, at, value)
    struct.pack_into("<5I", head, 808 + 10, 0, 8, 88, 96, 96)
    head[188:189], head[508:509] = b"V", b"s"
    struct.pack_into("<i", head, 11, len(head) + framed.nbytes + 8 - 15)
    head[15] = 2
    path.write_bytes(bytes(head) + framed.tobytes() + bytes(8))
    return {0: raw * 2e-5}


def lvm(path: Path) -> Truth:
    lines = ["LabVIEW Measurement", "Writer_Version\t2", "Separator\tTab", "Decimal_Separator\t,"]
    lines += ["X_Columns\tOne", "***End_of_Header***\t"]
    for volts in VOLTS:
        lines += ["", "Channels\t2\t", f"Samples\t{len(volts)}\t{len(volts)}\t"]
        lines += ["Y_Unit_Label\tmV\tmV", "Delta_X\t4,0E-10\t4,0E-10", "***End_of_Header***\t\t"]
        lines += ["X_Value\tCH0\tCH1\tComment"]
        lines += [
            f"{4e-10 * n:.3e}\t{1e3 * v:.6f}\t{-1e3 * v:.6f}".replace(".", ",")
            for n, v in enumerate(volts)
        ]
    path.write_text("\n".join(lines) + "\n")
    return {0: VOLTS, 1: -VOLTS}


def drs4(path: Path) -> Truth:
    """Cells of one width: what is read is what was written."""
    volts = np.round(0.1 * np.sin(np.arange(1024) / 30.0) * 65536) / 65536
    raw = ((volts + 0.5) * 65536).astype("<u2")
    widths = np.full(1024, 0.2, "<f4").tobytes()
    data = b"DRS2TIMEB#" + struct.pack("<H", 2465) + b"C001" + widths + b"C002" + widths
    for number in range(3):
        data += b"EHDR" + struct.pack("<I8H", number + 1, 2026, 11, 28, 10, 0, 0, 0, 0)
        data += b"B#" + struct.pack("<H", 2465) + b"T#" + struct.pack("<H", 300 + number)
        for name in (b"C001", b"C002"):
            data += name + struct.pack("<I", 5) + raw.tobytes()
    path.write_bytes(data)
    wave = np.tile(raw / 65536 - 0.5, (3, 1))
    return {0: wave, 1: wave}


def drs4_xml(path: Path) -> Truth:
    lines = ['<?xml version="1.0" encoding="ISO-8859-1"?>', "<!-- created by MXML -->", "<DRSOSC>"]
    for number, volts in enumerate(VOLTS):
        lines += ["<Event>", f"<Serial>{number + 1}</Serial>", "<Time>2026/11/28 10:00:00.0</Time>"]
        lines += ["<HUnit>ns</HUnit>", "<VUnit>mV</VUnit>", "<Board_2465>"]
        lines += ["<Trigger_Cell>5</Trigger_Cell>", "<Scaler0>0</Scaler0>", "<CHN1>"]
        lines += [f"<Data>{0.4 * n:.3f},{1e3 * v:.3f}</Data>" for n, v in enumerate(volts)]
        lines += ["</CHN1>", "</Board_2465>", "</Event>"]
    path.write_text("\n".join([*lines, "</DRSOSC>"]) + "\n")
    return {0: VOLTS}


def infiniivision(path: Path) -> Truth:
    lines = ["x-axis,1,2", "second,Volt,Volt"]
    lines += [f"{4e-10 * n:+.6E},{a:+.5E},{b:+.5E}" for n, (a, b) in enumerate(VOLTS.T)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return {0: VOLTS[:1], 1: VOLTS[1:]}


def infiniium(path: Path) -> Truth:
    lines = ["Revision:,0", "Type:,raw", "Start:,0", "Points:,40", "Count:,1", "XDispRange:,1E-08"]
    lines += ["XInc:,4.00000E-10", "XOrg:,-8E-9", "XUnits:,Second", "YUnits:,Volt", "Data:"]
    path.write_text("\n".join([*lines, *(f"{v:.6E}" for v in VOLTS[0])]) + "\n")
    return {0: VOLTS[:1]}


def pico(path: Path) -> Truth:
    lines = ["Time,Channel A,Channel B", "(ns),(mV),(mV)", ""]
    lines += [f"{0.4 * n:.4f},{1e3 * a:.6f},{1e3 * b:.6f}" for n, (a, b) in enumerate(VOLTS.T)]
    path.write_text("\n".join(lines) + "\n")
    return {0: VOLTS[:1], 1: VOLTS[1:]}


SAMPLE = {"sample_s": Given(value=4e-9)}
INSTRUMENTS = (
    Instrument("wavedump_binary", "wave3_54V_20C.dat", wavedump, 4e-9, SAMPLE),
    Instrument("wavedump_binary", "wave5_54V_20C.dat", wavedump_x742, 4e-9, SAMPLE),
    Instrument("janus_binary", "Run7_list_54V_20C.dat", janus),
    Instrument("lecroy_binary", "C2_54V_20C.trc", lecroy, 4e-10),
    Instrument("tektronix_isf", "tek_54V_20C.isf", isf, 4e-10),
    Instrument("tektronix_wfm", "tek_54V_20C.wfm", wfm, 4e-10),
    Instrument("lvm", "labview_54V_20C.lvm", lvm, 4e-10, text=True),
    Instrument("drs4", "drs_54V_20C.dat", drs4, 2e-10, within=1e-4),
    Instrument("drs4", "drs_54V_20C.xml", drs4_xml, 4e-10, text=True, within=1e-4),
    Instrument("keysight", "scope_54V_20C.csv", infiniivision, 4e-10, text=True),
    Instrument("keysight", "infiniium_54V_20C.csv", infiniium, 4e-10, text=True),
    Instrument("table", "pico_54V_20C.csv", pico, 4e-10, text=True),
)


def with_conditions(mapping: Mapping, one: Instrument) -> Mapping:
    """A proposed mapping, completed by what only a person knows."""
    from dataclasses import replace

    return replace(mapping, conditions={**mapping.conditions, **one.conditions})
