"""Files as laboratories were seen to write them: right numbers, a question, or a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nptdms import ChannelObject, TdmsWriter

from mppcqa.tables import TableError
from mppcqa.tables.mapping import Given
from mppcqa.tables.measured import Measured
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign

V = np.round(np.arange(49.0, 57.05, 0.25), 2)
A = np.where(V > 52.3, 4e-8 * (V - 52.3) ** 2, 0) + 2e-11
CENTRES = np.arange(-20, 400, 2)
COUNTS = (900 * np.exp(-0.5 * ((CENTRES[:, None] - [25, 62, 99]) / 6) ** 2)).sum(1).astype(int)
WAVE = -0.04 * np.exp(-(((np.arange(200) - 60.0) / 20) ** 2))


def written(folder: Path, lines: list[str], name: str = "sweep_20C.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def parts_of(path: Path) -> list[Measured]:
    found = propose(path)
    assert found.certain, [str(doubt) for doubt in found.doubts]
    assert found.mapping is not None
    return read_foreign(path, found.mapping)


def is_curve(part: Measured, times: float = 1.0) -> None:
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, V)
    np.testing.assert_allclose(part.curve.current_a, A * times, rtol=2e-5)


def rows(heading: str, form: str = "{v:.2f},{i:.6e}") -> list[str]:
    return [heading, *(form.format(v=v, i=i, n=i * 1e9) for v, i in zip(V, A, strict=True))]


SWEEPS = {
    "of LabTracer": rows("SMU-1 Voltage (V),SMU-1 Current (A)"),
    "log beside": rows("Voltage (V),Current (A),log10(I) (A)", "{v:.2f},{i:.6e},-9"),
    "compliance beside": rows("V (V),Compliance (A),I (A)", "{v:.2f},0.001,{i:.6e}"),
    "result below": [*rows("Voltage (V),Current (A)"), "Vbr,52.31"],
    "mean and maximum below": [
        *(f"{n},{row}" for n, row in enumerate(rows("Voltage (V),Current (A)"))),
        "Mean,53.00,1.2e-7",
        "Max,57.00,8.8e-7",
    ],
    "KickStart": [
        "Instrument,2461",
        "Start Time:,03/04/2025 10:12:11",
        *rows(",Point,SMU-1 Voltage,SMU-1 Current\n,,(V),(A)", ",1,{v:.2f},{i:.6e}"),
    ],
    "Origin": rows("A(X),B(Y)\nBias,Current\nV,A\n,dark"),
    "headings in a remark": [
        "# Device: K-001",
        *rows("# columns: Bias[V] Current[A]", "{v:.2f}  {i:.6e}"),
    ],
    "Keithley 2450 at its limit": [
        *rows("Index,Reading,Unit,Value,Unit,Source Limit", "1,{i:.7E},A,{v:.4f},Volt DC,F"),
        "2,9.0E-7,A,58.0,Volt DC,T",
    ],
    "EasyEXPERT": [
        "SetupTitle, I/V Sweep",
        "Dimension1, 33, 33",
        *rows("DataName, V1, I1", "DataValue, {v:.2f}, {i:.6E}"),
    ],
    "Keithley 2450": [
        "Buffer Name,defbuffer1",
        "",
        *rows(
            "Index,Reading,Unit,Range Digits,Value,Unit,Digits,Output",
            "1,{n:.7E},nA,9,{v:.4f},Volt DC,5,T",
        ),
    ],
}


@pytest.mark.parametrize("kind", SWEEPS)
def test_a_sweep_as_a_program_writes_it(tmp_path: Path, kind: str) -> None:
    lines = SWEEPS[kind]
    if kind == "mean and maximum below":
        lines[0] = "No,Voltage (V),Current (A)"
    (part,) = parts_of(written(tmp_path, lines))
    is_curve(part)


def test_headings_say_temperature_and_light(tmp_path: Path) -> None:
    (part,) = parts_of(written(tmp_path, rows("Voltage (V),Current (A) @ -20C"), "x.csv"))
    assert part.temperature_c == -20
    two = rows('V (V),"I (A), T=20C","I (A), T=-20C"', "{v:.2f},{i:.6e},{i:.6e}")
    warm, cold = parts_of(written(tmp_path, two, "x.csv"))
    assert (warm.temperature_c, cold.temperature_c) == (20, -20)
    above = rows("20 °C,,-20 °C,\nV (V),I (A),V (V),I (A)", "{v:.2f},1e-9,{v:.2f},{i:.6e}")
    warm, cold = parts_of(written(tmp_path, above, "x.csv"))
    assert (warm.temperature_c, cold.temperature_c) == (20, -20)
    is_curve(cold)
    for light in ("I_light (A)", "I_photo (A)"):
        both = rows(f"V (V),I_dark (A),{light}", "{v:.2f},{i:.6e},{i:.6e}")
        dark, lit = parts_of(written(tmp_path, both, "x_20C.csv"))
        assert (dark.light, lit.light) == (0, 1)
        is_curve(lit)
    (part,) = parts_of(written(tmp_path, rows("Voltage (V),Current (A) @ -20C"), "x_20C.csv"))
    assert "-20" in part.doubts[0]


def test_a_second_table_below_the_first_is_told(tmp_path: Path) -> None:
    lines = rows("Voltage (V),Current (A)") + rows("Voltage (V),Current (nA)")
    with pytest.raises(TableError, match="a second table begins there"):
        parts_of(written(tmp_path, lines))


@pytest.mark.parametrize(
    ("heading", "form", "channels"),
    [
        ("ADC;ch0;ch1", "{c};{n};{n}", (0, 1)),
        ("ADC;Counts ch0;Counts ch1", "{c};{n};{n}", (0, 1)),
        ("bin_low,bin_high,counts", "{low},{high},{n}", (0,)),
        ("bin_low_edge,counts", "{low},{n}", (0,)),
        ("Bin,Charge,Counts", "1{n},{c},{n}", (0,)),
    ],
)
def test_a_histogram_by_any_heading(
    tmp_path: Path, heading: str, form: str, channels: tuple[int, ...]
) -> None:
    """Bins are no list of charges; of their edges the middle is meant."""
    lines = [
        form.format(c=c, low=c - 1, high=c + 1, n=n) for c, n in zip(CENTRES, COUNTS, strict=True)
    ]
    (part,) = parts_of(written(tmp_path, [heading, *lines], "comb_54V_20C.csv"))
    assert part.charges is not None
    assert part.channels == channels
    for column in part.charges.T:
        assert len(column) == COUNTS.sum()
        mean = (CENTRES * COUNTS).sum() / COUNTS.sum()
        assert column.mean() == pytest.approx(mean, abs=0.05)


def test_spectra_of_multichannel_analysers(tmp_path: Path) -> None:
    counts = [str(count) for count in COUNTS]
    spe = ["$SPEC_ID:", "run 7", "$DATA:", f"0 {len(counts) - 1}", *counts, "$ROI:", "0"]
    more = ["0"] * ((1 << (len(counts) - 1).bit_length()) - len(counts))
    mca = ["<<PMCA SPECTRUM>>", "GAIN - 2", "<<DATA>>", *counts, *more, "<<END>>"]
    for lines, name in ((spe, "a_54V_20C.Spe"), (mca, "a_54V_20C.mca")):
        (part,) = parts_of(written(tmp_path, lines, name))
        assert part.charges is not None
        assert len(part.charges) == COUNTS.sum()
        with pytest.raises(TableError, match="cut off"):
            parts_of(written(tmp_path, lines[:100], name))


def waves(path: Path) -> list[Measured]:
    parts = parts_of(path)
    for place, part in enumerate(parts):
        assert part.waveforms is not None
        np.testing.assert_allclose(np.asarray(part.waveforms[:])[0], WAVE * (place + 1), atol=1e-5)
        assert part.sample_s == pytest.approx(1e-9)
    return parts


def test_waveforms_of_two_channels(tmp_path: Path) -> None:
    lines = [f"{n * 1e-9:.3e},{w:.6f},{2 * w:.6f}" for n, w in enumerate(WAVE)]
    siglent = ["Record Length,Analog:200", "Sample Interval,CH1:1e-9 CH2:1e-9",
               "Vertical Units,CH1:V CH2:V", "Source,CH1,CH2", "Second,Volt,Volt"]  # fmt: skip
    for head in (siglent, ["in s,CH1 in V,CH2 in V"], ["Time(s),CH1V,CH2V"]):
        assert len(waves(written(tmp_path, [*head, *lines], "scope_54V_20C.csv"))) == 2
    memory = ["CH1V,CH3V,t0 =-2.0e-08,tInc = 1.0e-09,", *(f"{w:.6f},{2 * w:.6f},," for w in WAVE)]
    first, _third = waves(written(tmp_path, memory, "scope_54V_20C.csv"))
    assert "channels of the oscilloscope: CH1, CH3" in first.notes


def tdms(path: Path, channels: dict[str, tuple[str, np.ndarray]]) -> Path:
    with TdmsWriter(str(path)) as writer:
        writer.write_segment([
            ChannelObject("g", name, values, {"unit_string": unit, "wf_increment": 1e-9})
            for name, (unit, values) in channels.items()
        ])  # fmt: skip
    return path


def test_units_say_what_channels_of_labview_are(tmp_path: Path) -> None:
    """Volts and amperes are a curve, not two waveforms; degrees are no signal."""
    (part,) = parts_of(tdms(tmp_path / "a_20C.tdms", {"V": ("V", V), "I": ("nA", A * 1e9)}))
    is_curve(part)
    there = {"CH0": ("V", WAVE), "CH1": ("mV", 2e3 * WAVE), "PT100": ("degC", 20 + 0 * WAVE)}
    parts = waves(tdms(tmp_path / "b_54V_20C.tdms", there))
    assert len(parts) == 2
    assert any("PT100" in note for note in parts[0].notes)
    with pytest.raises(TableError, match="furlong"):
        parts_of(tdms(tmp_path / "c_54V_20C.tdms", {"CH0": ("furlong", WAVE)}))


def test_a_unit_of_drs4_that_is_not_known_is_refused(tmp_path: Path) -> None:
    data = [f"<Data>{n},{w}</Data>" for n, w in enumerate(WAVE)]
    for units in ("<HUnit>ns</HUnit><VUnit>furlong</VUnit>", "<HUnit>ns</HUnit>"):
        head = f"<DRSOSC><Event>{units}<Board_1><CHN1>"
        lines = [head, *data, "</CHN1></Board_1></Event></DRSOSC>"]
        with pytest.raises(TableError, match="VUnit"):
            parts_of(written(tmp_path, lines, "drs_54V_20C.xml"))


CELLS = {
    "with units": ("Voltage,Current", "{v:.2f} V,{n:.5f} nA"),
    "with letters": ("V (V),I (A)", "{v:.2f},{n:.5f}n"),
    "with letters alone": ("V,I", "{v:.2f}V,{n:.5f}n"),
}


@pytest.mark.parametrize("kind", CELLS)
def test_cells_with_units(tmp_path: Path, kind: str) -> None:
    heading, form = CELLS[kind]
    lines = rows(heading, form)
    is_curve(parts_of(written(tmp_path, lines))[0])
    # What is cut off with its unit is no number in another one, and one without is none.
    path = written(tmp_path, lines)
    path.write_bytes(path.read_bytes().rstrip(b"nA \n"))
    (part,) = parts_of(path)
    assert part.curve
    np.testing.assert_allclose(part.curve.current_a, A[:-1], rtol=2e-5)
    lines[9] = lines[9].rstrip("nA ")
    if kind != "with letters":
        with pytest.raises(TableError, match="no unit"):
            parts_of(written(tmp_path, lines))


@pytest.mark.parametrize(
    "remarks",
    [
        ["# Units: V, nA"],
        ["Current unit: nA", "Voltage unit: V"],
        ["# currents are in nanoamps, voltages in volts", "# Compliance current in mA: 1"],
        ["# V [V]  I [nA]", "Max current (mA)"],
    ],
)
def test_units_by_remarks(tmp_path: Path, remarks: list[str]) -> None:
    is_curve(
        parts_of(written(tmp_path, [*remarks, *rows("Voltage,Current", "{v:.2f},{n:.5f}")]))[0]
    )
    # Of two that differ none is taken.
    differing = [*remarks, "# Current unit: uA", *rows("Voltage,Current", "{v:.2f},{n:.5f}")]
    assert not propose(written(tmp_path, differing)).certain


@pytest.mark.parametrize(("unit", "likely"), [("MA", "mA"), ("NA", "nA")])
def test_units_in_capital_letters_are_asked(tmp_path: Path, unit: str, likely: str) -> None:
    times = {"mA": 1e-3, "nA": 1e-9}[likely]
    lines = [f"Voltage (V),Current ({unit})"]
    lines += [f"{v},{i / times:.6e}" for v, i in zip(V, A, strict=True)]
    path = written(tmp_path, lines)
    found = propose(path)
    assert [(doubt.column, doubt.unit) for doubt in found.doubts] == [(f"Current ({unit})", likely)]
    said = found.with_unit(f"Current ({unit})", likely)
    assert said.certain
    assert said.mapping
    is_curve(read_foreign(path, said.mapping)[0])


def test_samples_that_are_numbered_are_a_waveform(tmp_path: Path) -> None:
    lines = ["Sample,CH1 (mV)", *(f"{n},{1e3 * v:.4f}" for n, v in enumerate(WAVE))]
    path = written(tmp_path, lines, "pulse_54V_20C.csv")
    found = propose(path)
    assert found.certain
    assert found.mapping
    with pytest.raises(TableError, match="sample_s"):
        read_foreign(path, found.mapping)
    said = {**found.mapping.conditions, "sample_s": Given(value=2e-9)}
    (part,) = read_foreign(path, replace(found.mapping, conditions=said))
    np.testing.assert_allclose(np.asarray(part.waveforms)[0], WAVE, atol=1e-7)
