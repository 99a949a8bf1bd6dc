"""Small files of instruments written by hand: what they mean, and what is refused of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mppcqa.tables import TableError
from mppcqa.tables.formats import formats, recognise
from mppcqa.tables.mapping import Column, Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.reading import read_foreign


def written(folder: Path, name: str, lines: list[str], end: str = "\n") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def read(path: Path, *columns: Column) -> list[Measured]:
    found = recognise(path)
    assert found is not None
    mapping = found.proposed(path)
    conditions = {
        **mapping.conditions,
        **{
            "bias_v": Given(value=54.0),
            "temperature_c": Given(value=20.0),
            "sample_s": Given(value=4e-9),
        },
    }
    return read_foreign(
        path, Mapping("m", found.key, mapping.kind, columns or mapping.columns, conditions)
    )


def spe(first: int, counts: list[int], after: tuple[str, ...] = ("$ROI:", "0")) -> list[str]:
    last = first + len(counts) - 1
    head = ["$SPEC_ID:", "run 7", "$DATE_MEA:", "11/28/2026", "$DATA:", f"{first} {last}"]
    return [*head, *map(str, counts), *after]


def test_bins_of_an_analyser_are_called_by_their_numbers(tmp_path: Path) -> None:
    counts = [0] * 60
    counts[3], counts[59] = 2, 1
    (part,) = read(written(tmp_path, "a.Spe", spe(100, counts)))
    assert part.charges is not None
    assert np.round(part.charges[:, 0]).tolist() == [103, 103, 159]
    assert part.facts == {"spec_id": "run 7", "date_mea": "11/28/2026"}
    assert (part.bias_v, part.temperature_c) == (54.0, 20.0)


@pytest.mark.parametrize(
    ("lines", "end", "said"),
    [
        (spe(0, [1] * 60)[:40], "\n", "60 bins are announced, 34 are there"),
        (spe(0, [1] * 60, ()), "", "have no end"),
        (spe(0, [1] * 60, ("7",)), "\n", "more than the 60 bins"),
        ([*spe(0, [1] * 60)[:20], "x", *spe(0, [1] * 60)[21:]], "\n", "line 21 is no count: “x”"),
        ([*spe(0, [1] * 60)[:20], "$ROI:"], "\n", "60 bins are announced, 14 are there"),
        (["$SPEC_ID:", "run", "$DATA:", "0"], "\n", "does not say its bins"),
    ],
)
def test_a_spectrum_that_is_not_whole_is_refused(
    tmp_path: Path, lines: list[str], end: str, said: str
) -> None:
    with pytest.raises(TableError, match=f"a.Spe: .*{said}"):
        read(written(tmp_path, "a.Spe", lines, end))


def test_a_spectrum_may_end_with_its_counts(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, "a.Spe", spe(0, [1] * 60, ())))
    assert part.size == 60


@pytest.mark.parametrize(("n", "whole"), [(64, True), (63, False), (32, False), (96, False)])
def test_amptek_has_a_power_of_two_of_channels(tmp_path: Path, n: int, whole: bool) -> None:
    lines = ["<<PMCA SPECTRUM>>", "GAIN - 2", "TAG - ", "<<DATA>>", *["1"] * n, "<<END>>"]
    path = written(tmp_path, "a.mca", lines)
    if whole:
        (part,) = read(path)
        assert part.size == n
        assert part.facts == {"GAIN": "2"}
        return
    with pytest.raises(TableError, match=f"{n} counts are no power of two"):
        read(path)


SAMPLES = [0.0, 1.0, 3.0, -2.0]


def scope(head: list[str], step: float, *signals: list[float]) -> list[str]:
    return head + [
        ",".join(f"{x:.6g}" for x in (n * step, *values))
        for n, values in enumerate(zip(*signals, strict=True))
    ]


def test_an_oscilloscope_s_units_become_volts_and_seconds(tmp_path: Path) -> None:
    head = ["Record Length,4", "Sample Interval,2e-9", "Vertical Units,mV", "TIME,CH1"]
    (part,) = read(written(tmp_path, "a.csv", scope(head, 2e-9, SAMPLES)))
    assert part.waveforms is not None
    np.testing.assert_allclose(part.waveforms[0], np.array(SAMPLES) * 1e-3)
    assert part.sample_s == pytest.approx(2e-9)
    assert part.channels == (0,)
    assert not part.channel_known
    assert part.light == 0.0  # an oscilloscope's pulses are dark ones where nothing else is said


def test_of_several_channels_a_mapping_may_name_one(tmp_path: Path) -> None:
    head = ["Record Length,4", "Sample Interval,2e-9", "TIME,CH2,CH4"]
    path = written(tmp_path, "a.csv", scope(head, 2e-9, SAMPLES, [2 * x for x in SAMPLES]))
    both = read(path)
    assert [part.channels for part in both] == [(0,), (1,)]
    assert all(part.channel_known for part in both)
    assert "channels of the oscilloscope: CH2, CH4" in both[0].notes
    for source in ("CH4", "ch4", "3"):
        (one,) = read(path, Column(source, "signal"))
        assert one.waveforms is not None
        np.testing.assert_allclose(one.waveforms[0], 2 * np.array(SAMPLES))
        assert one.channels == (0,)
    with pytest.raises(TableError, match="no column “ch3”; there are CH2, CH4"):
        read(path, Column("CH3", "signal"))


@pytest.mark.parametrize(
    ("head", "step", "said"),
    [
        (["Record Length,9", "Sample Interval,2e-9"], 2e-9, "9 samples are announced, 4 are there"),
        (["Record Length,4", "Sample Interval,3e-9"], 2e-9, "2e-09 s apart, 3e-09 s are announced"),
        (["Record Length,4", "Sample Interval,2e-9", "Vertical Units,A"], 2e-9, "A is no voltage"),
    ],
)
def test_what_an_oscilloscope_s_header_contradicts_is_refused(
    tmp_path: Path, head: list[str], step: float, said: str
) -> None:
    with pytest.raises(TableError, match=f"a.csv: .*{said}"):
        read(written(tmp_path, "a.csv", scope([*head, "TIME,CH1"], step, SAMPLES)))


def test_samples_that_are_numbered_are_as_far_apart_as_the_header_says(tmp_path: Path) -> None:
    (part,) = read(
        written(tmp_path, "a.csv", scope(["X,CH1,Start,Increment", "Sequence,Volt,0,4e-9"], 1,
                                          SAMPLES))
    )  # fmt: skip
    assert part.sample_s == pytest.approx(4e-9)
    assert part.size == 1


def keysight(head: list[str], rows: list[str]) -> list[str]:
    return ["Revision:,0", *head, "Data:", *rows]


def test_keysight_s_samples_with_and_without_times(tmp_path: Path) -> None:
    head = ["Points:,4", "XInc:,4e-10", "YUnits:,mV"]
    bare = keysight(head, [f"{x:.3f}" for x in SAMPLES])
    timed = keysight(head, [f"{n * 4e-10:.3e},{x:.3f}" for n, x in enumerate(SAMPLES)])
    for lines in (bare, timed):
        (part,) = read(written(tmp_path, "a.csv", lines))
        assert part.waveforms is not None
        np.testing.assert_allclose(part.waveforms[0], np.array(SAMPLES) * 1e-3)
        assert part.sample_s == pytest.approx(4e-10)
    with pytest.raises(TableError, match="5 samples are announced, 4 are there"):
        read(written(tmp_path, "a.csv", [one.replace("Points:,4", "Points:,5") for one in bare]))
    with pytest.raises(TableError, match="4e-10 s apart, 5e-10 s are announced"):
        read(written(tmp_path, "a.csv", [one.replace("4e-10", "5e-10") for one in timed]))
    with pytest.raises(TableError, match="“furlong” is no unit of a waveform"):
        read(written(tmp_path, "a.csv", [one.replace("mV", "furlong") for one in bare]))


def wavedump(channel: int, samples: list[int], record: int | None = None) -> list[str]:
    head = [f"Record Length: {len(samples) if record is None else record}", "BoardID: 31"]
    head += [f"Channel: {channel}", "Event Number: 0", "Pattern: 0x0000", "Trigger Time Stamp: 7"]
    return [*head, *map(str, samples)]


def test_wavedump_keeps_each_channel_s_events_in_their_order(tmp_path: Path) -> None:
    lines = wavedump(3, [1, 2]) + wavedump(0, [5, 6]) + wavedump(3, [3, 4])
    first, second = read(written(tmp_path, "wave.txt", lines))
    assert (first.channels, second.channels) == ((0,), (3,))
    assert np.asarray(second.waveforms).tolist() == [[1, 2], [3, 4]]
    assert first.channel_known
    assert first.sample_s == 4e-9
    (alone,) = read(written(tmp_path, "wave.txt", wavedump(3, [1, 2])))
    assert not alone.channel_known


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (wavedump(0, [1, 2]) + wavedump(0, [1, 2, 3]), "event 2 has 3 samples, the first 2"),
        (wavedump(0, [1, 2]) + wavedump(0, [1], 2), "line 9 announces 2 samples, 1 are there"),
        ([*wavedump(0, [1, 2]), "x"], "line 9 is no sample: “x”"),
        (wavedump(0, [1], 1), "a record of 1 samples"),
    ],
)
def test_wavedump_s_faults_are_told_by_their_line(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(TableError, match=f"wave.txt: .*{said}"):
        read(written(tmp_path, "wave.txt", lines))


JANUS = ["//Janus 3", "//Board: A5202", "Tstamp_us TrgID Brd Ch LG HG"]


def test_janus_lays_an_event_s_channels_side_by_side(tmp_path: Path) -> None:
    rows = ["1.0 0 00 00 10 110", "00 03 13 113", "2.0 1 00 00 20 120", "01 01 21 121"]
    path = written(tmp_path, "list.txt", [*JANUS, *(f"{row:<24}" for row in rows)])
    (part,) = read(path)
    assert part.charges is not None
    assert part.channels == (0, 3, 65)  # board 1 follows board 0
    np.testing.assert_array_equal(part.charges, [[110, 113, np.nan], [120, np.nan, 121]])
    assert "charges are HG" in part.notes
    assert any("boards 0, 1 follow one another" in note for note in part.notes)
    (low,) = read(path, Column("LG", "charge"))
    assert low.charges is not None
    assert low.charges[0, 0] == 10
    with pytest.raises(TableError, match="no column “Q”; there are"):
        read(path, Column("Q", "charge"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("00 03 13", "line 5 is no row of Janus: “00 03 13”"),
        ("00 64 13 113", "channels 0 to 63"),
        ("00 03 13 1000001", "line 5 is no row"),
        ("00 x3 13 113", "line 5 is no row"),
    ],
)
def test_a_row_that_janus_does_not_write_is_told(tmp_path: Path, row: str, said: str) -> None:
    path = written(tmp_path, "list.txt", [*JANUS, "1.0 0 00 00 10 110", row, "2.0 1 00 00 10 110"])
    with pytest.raises(TableError, match=f"list.txt: .*{said}"):
        read(path)


def test_a_channel_without_a_charge_in_an_event_has_none(tmp_path: Path) -> None:
    path = written(tmp_path, "list.txt", [*JANUS, "1.0 0 00 00 10 -", "2.0 1 00 00 20 120"])
    (part,) = read(path)
    assert part.charges is not None
    np.testing.assert_array_equal(part.charges[:, 0], [np.nan, 120])


@pytest.mark.parametrize(
    ("kind", "row", "charges"),
    [
        ("single", "1000 5.5 131", {3: 5.5}),
        ("group", "2 0 1000 5.5 131", {3: 5.5}),
        ("coinc", "1 0 1000 5.5 131 1 0 1001 6.5 3", {67: 5.5, 3: 6.5}),
    ],
)
def test_petsys_columns_by_the_file_s_name(
    tmp_path: Path, kind: str, row: str, charges: dict[int, float]
) -> None:
    (part,) = read(written(tmp_path, f"run_{kind}.dat", [row] * 3))
    assert part.charges is not None
    assert part.channels == tuple(sorted(charges))
    assert dict(zip(part.channels, part.charges[0], strict=True)) == charges
    assert len(part.charges) == 3


@pytest.mark.parametrize(
    ("rows", "end", "said"),
    [
        (["1 5.5 131", "2 5.5"], "\n", "line 2 is no row of 3 numbers"),
        (["1 5.5 131", "2 5.5 1"], "", "last line has no end"),
        (["1 5.5 1.5"], "\n", "does not hold channels"),
        (["1 5.5 -1"], "\n", "does not hold channels"),
        (["1 9.91E37 1"], "\n", "no reading"),
    ],
)
def test_what_is_no_list_of_petsys_is_refused(
    tmp_path: Path, rows: list[str], end: str, said: str
) -> None:
    path = written(tmp_path, "run_single.dat", rows, end)
    with pytest.raises(TableError, match=f"run_single.dat: .*{said}"):
        read_foreign(path, Mapping("m", "petsys", "charge"))


HERA = ["*** Start of Header ***", "Signature: HERA Writer V 1.1"]
SPECTRUM = ["*** End of Header ***", "ADC Channel\tCounts", *(f"{n}\t{n % 3}" for n in range(20))]


def hera(*lines: str) -> list[str]:
    return [*HERA, *lines, *SPECTRUM]


BLOCKS = (
    "Ch.: 0",
    "Bias Voltage [V]: 55,00",
    "Ch.: 1",
    "Bias Voltage [V]: 53,50",
    "DGTZ settings:",
)


@pytest.mark.parametrize(
    ("more", "bias", "channel"),
    [
        (("Channel 0 Status: Off", "Channel 1 Status: On"), 53.5, "1"),
        (("Channel 0 Status: On", "Channel 1 Status: Off"), 55.0, "0"),
        (("Channel in use: 0", "Channel 1 Status: On"), 55.0, "0"),
    ],
)
def test_hera_s_bias_is_that_of_the_channel_in_use(
    tmp_path: Path, more: tuple[str, ...], bias: float, channel: str
) -> None:
    path = written(tmp_path, "a.txt", hera(*BLOCKS, *more, "Gate Width|Pre|Hold: 200 | 72 | 5000"))
    (part,) = read_foreign(path, formats()["hera"].mapping())
    assert part.bias_v == bias
    assert part.facts["Recorded channel"] == channel
    assert part.gate_s == pytest.approx(2e-7)
    assert part.size == sum(n % 3 for n in range(20))
    assert part.light == 1.0


def test_hera_s_bias_of_two_channels_in_use_is_not_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", hera(*BLOCKS))
    with pytest.raises(TableError, match="does not say which of the supply's channels"):
        read_foreign(path, formats()["hera"].mapping())


def lvm(samples: list[float], names: str = "X_Value\tCH0\tComment", unit: str = "mV") -> list[str]:
    head = ["LabVIEW Measurement", "Separator\tTab", "***End_of_Header***", "Channels\t1"]
    head += [f"Samples\t{len(samples)}", f"Y_Unit_Label\t{unit}", "Delta_X\t4e-10"]
    rows = [f"{4e-10 * n:.3e}\t{x:.3f}" for n, x in enumerate(samples)]
    return [*head, "***End_of_Header***", names, *rows]


def test_labview_s_channel_is_in_its_unit_and_its_comment_is_none(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, "a.lvm", lvm(SAMPLES)))
    assert part.waveforms is not None
    np.testing.assert_allclose(part.waveforms[0], np.array(SAMPLES) * 1e-3)
    assert part.sample_s == pytest.approx(4e-10)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (lvm(SAMPLES)[:-1], "4 samples are announced, 3 are there"),
        ([*lvm(SAMPLES)[:-1], "1\tx"], "line 13 is no sample"),
        (lvm(SAMPLES)[:6], "no header of a segment"),
        (lvm(SAMPLES)[:2], "its header does not end"),
        (lvm(SAMPLES, unit="degC"), r"no channel is a signal in volts; there are CH0 \[degC\]"),
        (lvm(SAMPLES) + lvm(SAMPLES[:3])[3:], "different lengths"),
    ],
)
def test_what_labview_did_not_finish_is_refused(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(TableError, match=f"a.lvm: .*{said}"):
        read(written(tmp_path, "a.lvm", lines))
