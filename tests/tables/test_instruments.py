"""Instruments' own files: known by their marks, read to the number, refused when cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import RunWriter
from mppcqa.runfile.imported import write_parts
from mppcqa.tables import TableError
from mppcqa.tables.formats import recognise
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import look_at, read_foreign
from tests.tables.instruments import INSTRUMENTS, Instrument, Truth, found_in, with_conditions

NAMES = [one.name for one in INSTRUMENTS]


def mapping_of(one: Instrument, path: Path) -> Mapping:
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    assert found.mapping.format == one.key
    return with_conditions(found.mapping, one)


@pytest.mark.parametrize("one", INSTRUMENTS, ids=NAMES)
def test_a_file_gives_what_was_written(one: Instrument, tmp_path: Path) -> None:
    path, truth = one.path(tmp_path)
    parts = read_foreign(path, mapping_of(one, path))
    found = found_in(parts)
    assert found.keys() == truth.keys()
    for channel, values in truth.items():
        within = one.within * np.abs(values).max()
        np.testing.assert_allclose(found[channel], values, atol=within, rtol=0)
    assert {(part.bias_v, part.temperature_c) for part in parts} == {(54.0, 20.0)}
    if one.step_s:
        assert [part.sample_s for part in parts] == pytest.approx([one.step_s] * len(parts))
    assert look_at(path, mapping_of(one, path))


def found_or_refused(path: Path, mapping: Mapping) -> Truth | str:
    try:
        return found_in(read_foreign(path, mapping))
    except TableError as error:
        return str(error)


@pytest.mark.parametrize("one", INSTRUMENTS, ids=NAMES)
def test_a_file_that_was_cut_off_is_refused(one: Instrument, tmp_path: Path) -> None:
    path, truth = one.path(tmp_path)
    mapping, whole = mapping_of(one, path), path.read_bytes()
    for share in (0.3, 0.5, 0.77, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        found = found_or_refused(path, mapping)
        if isinstance(found, str):
            assert path.name in found
            continue
        # Nothing announces the end of such a file: what is left of it must be right.
        assert one.key in ("table", "keysight", "wavedump_binary", "janus_binary", "drs4"), share
        for channel, values in found.items():
            whole_values = truth[channel]
            if values.ndim == 2 and values.shape[1] < whole_values.shape[1]:
                values, whole_values = values[:, :-1], whole_values[:, : values.shape[1] - 1]
            np.testing.assert_allclose(values, whole_values[: len(values)], atol=1e-4)


def test_a_digitizers_numbers_arrive_unchanged_in_the_run_file(tmp_path: Path) -> None:
    one = INSTRUMENTS[0]
    path, truth = one.path(tmp_path)
    parts = read_foreign(path, mapping_of(one, path))
    parts[0].light = 0.0
    meta = {
        "run": 1, "stage": "stage2", "station": "", "operator": "", "program": "t",
        "started": "2026-11-28T10:00:00Z",
        "slots": [{"slot": 1, "serial": "A", "channels": 1, "channel_numbers": [3]}],
        "waveform": {"samples": 40, "sampling_s": 4e-9, "signal_sign": 1},
    }  # fmt: skip
    with RunWriter(tmp_path / "run.root", meta) as writer:
        write_parts(writer, parts, [3])
    with OpenRunFile(tmp_path / "run.root") as file:
        np.testing.assert_array_equal(file.waveforms(0, 1, 0).adc, truth[3])


def test_the_low_gain_of_janus_by_a_mapping(tmp_path: Path) -> None:
    path, high = INSTRUMENTS[2].path(tmp_path)
    mapping = Mapping("low", "janus_binary", "charge", (Column("LG", "charge"),))
    low = found_in(read_foreign(path, mapping))
    assert low.keys() == high.keys() == {0, 1, 64, 65}
    assert not np.array_equal(low[0], high[0])


def test_a_list_without_charges_says_its_mode(tmp_path: Path) -> None:
    path, _truth = INSTRUMENTS[2].path(tmp_path)
    data = bytearray(path.read_bytes())
    data[9] = 4
    path.write_bytes(bytes(data))
    with pytest.raises(TableError, match="counting"):
        read_foreign(path, Mapping("m", "janus_binary", "charge"))


def test_a_compass_tree_tells_channels_apart(tmp_path: Path) -> None:
    path = tmp_path / "compass_54V_20C.root"
    rng = np.random.default_rng(2)
    energy = rng.integers(100, 2000, 600).astype("u2")
    channel = np.tile(np.array([0, 2], "u2"), 300)
    with uproot.recreate(path) as file:
        columns = {"Channel": channel, "Timestamp": np.arange(600, dtype="u8")}
        columns |= {"Board": np.zeros(600, "u2"), "Energy": energy, "Flags": np.zeros(600, "u4")}
        file.mktree("Data_R", {key: value.dtype for key, value in columns.items()})
        file["Data_R"].extend(columns)
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    truth = found_in(read_foreign(path, found.mapping))
    assert truth.keys() == {0, 2}
    np.testing.assert_array_equal(truth[2], energy[channel == 2])


def test_a_histogram_of_charge_against_channel(tmp_path: Path) -> None:
    counts = np.random.default_rng(4).integers(0, 9, (4, 50)).astype(float)
    edges = [np.arange(5.0), np.linspace(-25, 975, 51)]
    path = tmp_path / "h2_54V_20C.root"
    identify, data = uproot.writing.identify, np.pad(counts, 1).T.ravel()
    total = counts.sum()
    axes = (identify.to_TAxis("xaxis", "channel", 4, 0, 4),
            identify.to_TAxis("yaxis", "charge [ADC]", 50, -25, 975))  # fmt: skip
    sums = (total, total, total, 0.0, 0.0, 0.0, 0.0, 0.0)
    histogram = identify.to_TH2x("h", "charges", data, *sums, data, *axes)
    with uproot.recreate(path) as file:
        file["h"] = histogram
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    (part,) = read_foreign(path, mapping_from_json(found.mapping.as_json()))
    assert part.channels == (0, 1, 2, 3)
    for channel, charges in found_in([part]).items():
        there, _edges = np.histogram(charges, edges[1])
        np.testing.assert_array_equal(there, counts[channel])


def test_a_file_is_never_taken_for_another_format(tmp_path: Path) -> None:
    for one in INSTRUMENTS:
        path, _truth = one.path(tmp_path)
        found = recognise(path)
        assert (found.key if found else "table") == one.key, one.name


def test_singles_of_petsys_by_the_files_name(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    rows = [(1000 * n, f"{rng.normal(20, 2):.3f}", 131 if n % 3 else 64) for n in range(300)]
    path = tmp_path / "run_single_54V_20C.dat"
    path.write_text("".join(f"{t}\t{q}\t{c}\n" for t, q, c in rows))
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    charges = found_in(read_foreign(path, found.mapping))
    assert charges.keys() == {0, 64 + 3}
    np.testing.assert_allclose(charges[0], [float(q) for _t, q, c in rows if c == 64], rtol=1e-6)
    other = tmp_path / "numbers.dat"
    other.write_bytes(path.read_bytes())
    assert not propose(other).certain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fifo,type,counter,column,pixel,tdc,coarse,fine\n1,1,7,2,3,0,55,12\n", "ALCOR"),
        ("Threshold (mV),Temperature (C)\n1,20\n2,20\n3,20\n", "thresholds and no rates"),
    ],
)
def test_tables_without_charges_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    found = propose(path)
    assert found.mapping is None
    assert words in str(found.doubts[0])


def test_numbered_columns_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "citiroc_54V_20C.csv"
    rows = ["HG_4,HG_5,HG_7,temp", *(f"{n},{2 * n},{3 * n},20" for n in range(1, 50))]
    path.write_text("\n".join(rows) + "\n")
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    assert found_in(read_foreign(path, found.mapping)).keys() == {4, 5, 7}
