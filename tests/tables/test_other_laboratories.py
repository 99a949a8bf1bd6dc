"""Small files as laboratories elsewhere write them: the right numbers, a question, or a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from mppcqa.tables.measured import Measured
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign

V = np.round(np.arange(49.0, 57.05, 0.5), 2)
A = np.where(V > 52.3, 4e-8 * (V - 52.3) ** 2, 0) + 2e-11
COUNTS = np.round(900 * np.exp(-0.5 * ((np.arange(60) % 20 - 6) / 3.0) ** 2)).astype(int)


def sweep(*heads: str, form: str = "{v:.2f},{n:.5f}", more: str = "") -> str:
    """A table of V and nA below `heads`; commas are decimal signs where semicolons part."""
    rows = [form.format(v=v, n=1e9 * i, u=1e6 * i, a=i) for v, i in zip(V, A, strict=True)]
    rows = [row.replace(".", ",") if ";" in form else row for row in rows]
    return "\n".join([*heads, *rows]) + "\n" + more


def read(path: Path) -> list[Measured]:
    found = propose(path)
    assert found.certain, [str(doubt) for doubt in found.doubts]
    assert found.mapping is not None
    return read_foreign(path, found.mapping)


def written(folder: Path, text: str, encoding: str = "utf-8", name: str = "iv_20C.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


LANGUAGES = {
    "German, UTF-16": ("Spannung [V];Strom [nA]", "{v:.2f};{n:.5f}", "utf-16"),
    "German, words joined": ("Sperrspannung (V);Dunkelstrom (nA)", "{v:.2f};{n:.5f}", "cp1252"),
    "Italian with a mark": ("Tensione (V);Corrente (uA)", "{v:.2f};{u:.8f}", "utf-8-sig"),
    "French": ("Tension (V);Courant (A)", "{v:.2f};{a:.4E}", "cp1252"),
    "Portuguese": ("Tensão (V);Corrente (µA)", "{v:.2f};{u:.8f}", "latin-1"),
    "Portuguese, no accents": ("Tensao (V);Corrente (nA)", "{v:.2f};{n:.5f}", "ascii"),
    "Polish": ("Napięcie (V);Prąd (nA)", "{v:.2f};{n:.5f}", "utf-8"),
    "Russian": ("Напряжение, В\tТок, нА", "{v:.2f}\t{n:.5f}", "cp1251"),
    "Chinese": ("电压(V),电流(nA)", "{v:.2f},{n:.5f}", "utf-8"),
    "Chinese, GB": ("电压(V),电流(nA)", "{v:.2f},{n:.5f}", "gb18030"),
    "Japanese": ("電圧(V),電流(A)", "{v:.2f},{a:.6E}", "shift_jis"),
    "Japanese, words joined": ("逆電圧(V),暗電流(nA)", "{v:.2f},{n:.5f}", "shift_jis"),
    "Korean": ("바이어스 전압(V),암전류(nA)", "{v:.2f},{n:.5f}", "utf-8"),
    "Spanish": ("Tensión (V);Corriente de fuga (nA)", "{v:.2f};{n:.5f}", "utf-16"),
    "Italian, of bias": ("Tensione di polarizzazione [V];I [uA]", "{v:.2f};{u:.8f}", "utf-8"),
    "German with symbols": ("Sperrspannung UR / V;Strom IR / nA", "{v:.2f};{n:.5f}", "latin-1"),
    "a power of ten": ("Voltage (V),Current (x1e-9 A)", "{v:.2f},{n:.5f}", "utf-8"),
    "another power": ("Voltage (V),Current (10^-9 A)", "{v:.2f},{n:.5f}", "utf-8"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_in_other_languages(tmp_path: Path, language: str) -> None:
    head, form, encoding = LANGUAGES[language]
    (part,) = read(written(tmp_path, sweep(head, form=form), encoding))
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, V)
    np.testing.assert_allclose(part.curve.current_a, A, rtol=1e-3)


@pytest.mark.parametrize(
    ("line", "temperature_c"),
    [
        ("Temperatur [K];293,15", 20.0),
        ("# Temperature: 68 F", 20.0),
        ("# Temp_K = 253.15", -20.0),
        ("温度: -40 °C", -40.0),
    ],
)
def test_a_temperature_in_a_header(tmp_path: Path, line: str, temperature_c: float) -> None:
    path = written(tmp_path, sweep(line, "Bias (V),Current (nA)"), name="x.csv")
    (part,) = read(path)
    assert part.temperature_c == temperature_c


def test_scans_below_one_another_are_asked(tmp_path: Path) -> None:
    """A column that nobody understood tells channels apart, or a scan was taken again."""
    once = [row.split(",") for row in sweep().split()]
    rows = [f"{c},{v},{float(i) * (1 + c / 20)}" for c in range(3) for v, i in once]
    path = written(tmp_path, "\n".join(["Elem,Bias (V),Current (nA)", *rows]) + "\n")
    (part,) = read(path)
    assert "3 scans from 49 to 57 stand below one another" in part.doubts[0]
    path = written(tmp_path, sweep("Bias (V),Current (nA)", more="# again\n" + sweep().lstrip()))
    assert "2 scans" in read(path)[0].doubts[0]


def test_a_scan_up_and_down_is_told(tmp_path: Path) -> None:
    text = sweep("Bias (V),Current (nA)")
    back = "\n".join(f"{v:.2f},{1e9 * i * 1.05:.5f}" for v, i in zip(V[::-1], A[::-1], strict=True))
    (part,) = read(written(tmp_path, text + back + "\n"))
    assert part.doubts == []
    assert any("turns back; its readings, 5 % apart, are averaged" in one for one in part.notes)
    # Several readings at each bias are no scans.
    each = "\n".join(f"{v:.2f},{x:.5f}" for v, i in zip(V, A, strict=True) for x in (1e9 * i,) * 3)
    (part,) = read(written(tmp_path, "Bias (V),Current (nA)\n" + each + "\n"))
    assert not part.doubts
    assert not any("scan" in note for note in part.notes)


def test_a_staircase_of_channels_that_nobody_tells_apart(tmp_path: Path) -> None:
    rows = [f"{t},{1000 - 20 * t - 50 * c}" for c in range(2) for t in range(5, 30)]
    path = written(tmp_path, "\n".join(["Threshold (p.e.),Rate (kHz)", *rows]) + "\n")
    (part,) = read(path)
    assert "2 scans" in part.doubts[0]
    assert part.staircase is not None
    assert part.staircase.unit == "p.e."


def test_events_whose_channels_nobody_tells_apart(tmp_path: Path) -> None:
    rows = [f"{event},{c},{90 + 7 * event % 40}" for event in range(40) for c in range(2)]
    path = written(tmp_path, "\n".join(["Event,Elem,HG", *rows]) + "\n", name="q_54V_20C.csv")
    assert "which column says the channel" in read(path)[0].doubts[0]


def test_a_temperature_that_drifts_is_told_or_asked(tmp_path: Path) -> None:
    rows = [f"{v},{1e9 * i},{{t}}" for v, i in zip(V, A, strict=True)]
    for step, asks in ((0.05, False), (0.3, True)):
        lines = [row.format(t=20 + n * step) for n, row in enumerate(rows)]
        text = "\n".join(["V (V),I (nA),T (°C)", *lines]) + "\n"
        (part,) = read(written(tmp_path, text, name="x.csv"))
        assert part.temperature_c == pytest.approx(20 + 8 * step)
        said = part.doubts if asks else part.notes
        assert any("the temperature ran from 20.0 to" in one for one in said)
        assert bool(part.doubts) == asks


FLAGS = {
    "Compliance": ("0", "1"),
    "In Compliance": ("False", "True"),
    "Status": ("OK", "COMPL"),
    "SMU Status": ("N", "C"),
    "Remark": ("", "current limit"),
}


@pytest.mark.parametrize("head", FLAGS)
def test_points_at_the_supplys_limit_are_left_out(tmp_path: Path, head: str) -> None:
    good, bad = FLAGS[head]
    rows = [
        f"{v},{min(i, 5e-7):.3e},{bad if i > 5e-7 else good}" for v, i in zip(V, A, strict=True)
    ]
    path = written(tmp_path, "\n".join([f"Voltage (V),Current (A),{head}", *rows]) + "\n")
    (part,) = read(path)
    assert part.curve is not None
    assert part.curve.bias_v.max() == V[A <= 5e-7].max()
    assert any(f"at the supply's limit, by “{head}”" in note for note in part.notes)


@pytest.mark.parametrize("remark", ["no limit", "ok", "1"])
def test_other_remarks_cost_no_point(tmp_path: Path, remark: str) -> None:
    head = "Compliance" if remark == "1" else "Status"  # a setting, the same in each row
    rows = [f"{v},{i:.3e},{remark}" for v, i in zip(V, A, strict=True)]
    path = written(tmp_path, "\n".join([f"Voltage (V),Current (A),{head}", *rows]) + "\n")
    (part,) = read(path)
    assert part.curve is not None
    assert len(part.curve.bias_v) == len(V)


def test_counts_beyond_the_bins_are_none_of_a_bin(tmp_path: Path) -> None:
    rows = [f"{10 * n},{10 * n + 10},{count}" for n, count in enumerate(COUNTS)]
    lines = ["bin_low,bin_high,counts", "-inf,0,12", *rows, "600,inf,31"]
    (part,) = read(written(tmp_path, "\n".join(lines) + "\n", name="h_54V_20C.csv"))
    assert part.charges is not None
    assert len(part.charges) == COUNTS.sum()
    assert part.charges.max() < 600
    lines[0] = "bin_low (pC),bin_high (pC),counts"
    (part,) = read(written(tmp_path, "\n".join(lines) + "\n", name="h_54V_20C.csv"))
    assert "the charges are in C, and so is a gain by them, not in ADC" in part.notes


def test_attributes_of_groups_and_datasets_say_conditions(tmp_path: Path) -> None:
    path = tmp_path / "sweeps.h5"
    with h5py.File(path, "w") as file:
        file.attrs["temperature"] = 25.0
        for number, kelvin in enumerate((293.15, 253.15)):
            group = file.create_group(f"run{number}")
            group.attrs["temperature_K"] = np.array([kelvin])
            group["Voltage (V)"], group["Current (nA)"] = V, 1e9 * A * (number + 1)
        file.create_group("calibration")["offset"] = 3.0
    warm, cold = read(path)
    assert (warm.temperature_c, cold.temperature_c) == (20.0, -20.0)
    assert cold.curve is not None
    np.testing.assert_allclose(cold.curve.current_a, 2 * A)
    with h5py.File(path, "a") as file:
        file["run1"].attrs["temperature_K"] = 293.15
    assert "2 measurements of channel 0 at the same conditions" in read(path)[0].doubts[0]


def test_a_datasets_own_attributes_are_its_channels(tmp_path: Path) -> None:
    from mppcqa.tables.mapping_document import mapping_from_json

    path = tmp_path / "q.h5"
    with h5py.File(path, "w") as file:
        for number, bias in enumerate((b"54 V", b"55 V")):
            data = file.create_dataset(f"adc{number}", data=np.arange(20.0))
            data.attrs["Vbias"], data.attrs["T"] = bias, 20.0
    columns = [{"source": f"adc{n}", "role": "charge", "channel": n} for n in range(2)]
    mapping = {"name": "q", "format": "hdf5", "kind": "charge", "columns": columns}
    first, second = read_foreign(path, mapping_from_json(mapping))
    assert [(one.bias_v, one.temperature_c, one.channels) for one in (first, second)] == [
        (54.0, 20.0, (0,)),
        (55.0, 20.0, (1,)),
    ]
    assert "bias_v = 54: an attribute of adc0" in first.notes


def test_scales_of_datasets(tmp_path: Path) -> None:
    """Those of NetCDF's convention are applied, others asked: 490 is 49 V."""
    from mppcqa.tables.mapping_document import mapping_from_json

    columns = [{"source": "v", "role": "bias_v"}, {"source": "i", "role": "current_a"}]
    document = {"name": "s", "format": "hdf5", "kind": "iv", "columns": columns}
    for key, asks in (("scale_factor", False), ("scale", True)):
        path = tmp_path / f"{key}_20C.nc"
        with h5py.File(path, "w") as file:
            file["i"], file["v"] = A, np.round(V * 10 if not asks else V)
            file["v"].attrs["units"], file["v"].attrs[key] = "V", 0.1
        (part,) = read_foreign(path, mapping_from_json(document))
        assert part.curve is not None
        assert part.curve.bias_v[0] == 49.0
        assert bool(part.doubts) == asks


EVENTS = {
    "CoMPASS with samples": (
        "BOARD;CHANNEL;TIMETAG;ENERGY;FLAGS;SAMPLES",
        "0;{c};{n};{q};0x4000;8000;8001;8002;8003",
    ),
    "Janus as CSV": (
        "TStamp_us,Trg_Id,Board_Id,Num_Hits,ChannelMask,CH_Id,DataType,PHA_LG,PHA_HG",
        "{n}.5,{n},0,2,0x28,{c},0x03,30,{q}",
    ),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_lists_of_digitizers(tmp_path: Path, kind: str) -> None:
    head, form = EVENTS[kind]
    rows = [form.format(n=n, c=c, q=100 + n + c) for n in range(40) for c in (3, 5)]
    (part,) = read(written(tmp_path, "\n".join([head, *rows]) + "\n", name="q_54V_20C.csv"))
    assert part.channels == (3, 5)
    assert part.charges is not None
    assert part.charges[-1].tolist() == [142.0, 144.0]


def test_channels_that_count_from_one(tmp_path: Path) -> None:
    once = [row.split(",") for row in sweep().split()]
    for form in ("Canal {}", "CH{:02d}", "{}"):
        rows = [f"{form.format(c)};{v};{float(i) * c}" for c in (1, 2, 3) for v, i in once]
        rows = [row.replace(".", "," if "Canal" in form else ".") for row in rows]
        text = "\n".join(["Channel;Bias (V);Current (nA)", *rows]) + "\n"
        path = written(tmp_path, text)
        parts = read(path)
        assert [part.channels for part in parts] == [(0,), (1,), (2,)], form
    assert any("they count from 1" in reason for reason in propose(path).reasons)
    mapping = propose(path).mapping
    assert mapping is not None
    asked = read_foreign(path, replace(mapping, channels_from=0))[0]
    assert "do they count from 1?" in asked.doubts[0]
    # Boards and events are a digitizer's, whose channels count from 0.
    lists = [f"{n},0,{c},{90 + 7 * n % 40}" for n in range(40) for c in (1, 2)]
    path = written(tmp_path, "\n".join(["TrgID,Brd,Ch,HG", *lists]) + "\n", name="q_54V_20C.csv")
    (part,) = read(path)
    assert part.channels == (1, 2)
    assert part.doubts == []


def test_serial_numbers_above_columns_are_no_channels(tmp_path: Path) -> None:
    rows = [f"{v},{1e9 * i},{2e9 * i}" for v, i in zip(V, A, strict=True)]
    for heads in ("SN71 (nA),SN72 (nA)", "00071 (nA),00072 (nA)"):
        path = written(tmp_path, "\n".join([f"Voltage (V),{heads}", *rows]) + "\n")
        assert "called by serial numbers" in str(propose(path).doubts[0])


def test_a_column_of_light_tells_sweeps_apart(tmp_path: Path) -> None:
    rows = [f"{v},{led},{1e9 * i * (1 + led)}" for led in (0, 1)
            for v, i in zip(V, A, strict=True)]  # fmt: skip
    path = written(tmp_path, "\n".join(["Bias (V),LED,Current (nA)", *rows]) + "\n")
    dark, lit = read(path)
    assert (dark.light, lit.light, dark.doubts) == (0.0, 1.0, [])
    said = [row.replace(",0,", ",off,").replace(",1,", ",on,") for row in rows]
    path = written(tmp_path, "\n".join(["Bias (V),LED,Current (nA)", *said]) + "\n")
    assert "2 scans" in read(path)[0].doubts[0]


def test_marks_of_full_width(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, sweep("Voltage（V）,Current（nA）")))
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.current_a, A, rtol=1e-3)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Threshold (mV),log10 Rate (Hz)", "{t},{log:.3f}"),
        ("Threshold (mV),Normalized rate (Hz)", "{t},{log:.3f}"),
        ("charge (ADC),cumulative counts", "{t},{sum}"),
        ("charge (ADC),log10(counts)", "{t},{log:.3f}"),
        ("Frequency (MHz),Amplitude (dBm)", "{t},{log:.3f}"),
        ("Frequency (MHz),Amplitude (mV)", "{t},{log:.3f}"),
        ("Event,Amplitude (dBm)", "{t},{log:.3f}"),
    ],
)
def test_what_was_derived_from_counts_or_rates_is_asked(
    tmp_path: Path, head: str, row: str
) -> None:
    lines = [row.format(t=t, log=6 - 0.1 * t, sum=t * t) for t in range(5, 50)]
    path = tmp_path / "scan_54V_20C.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    found = propose(path)
    assert not found.certain
    assert found.doubts
