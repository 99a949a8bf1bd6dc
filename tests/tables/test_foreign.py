"""Files of other programs: measured ones give what they hold, broken ones a named fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from mppcqa.tables import TableError
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import look_at, read_foreign
from mppcqa.tables.shipped import shipped as all_shipped


def proposed(path: Path) -> Mapping:
    found = propose(path)
    assert found.mapping is not None, found.doubts
    assert found.certain, found.doubts
    return found.mapping


def shipped_one(part: str) -> Mapping:
    return next(mapping for mapping in all_shipped() if part in mapping.name)


def lecroy(path: Path, segments: int = 2, samples: int = 50) -> Path:
    lines = ["LECROYHDO6104,5578,Waveform", f"Segments,{segments},SegmentSize,{samples}"]
    lines += ["Segment,TrigTime,TimeSinceSegment1"]
    lines += [f"#{n + 1},16-Jun-2023 10:28:16,0" for n in range(segments)] + ["Time,Ampl"]
    for n in range(segments):
        lines += [f"{i * 4e-11:.6e},{0.001 * n + 1e-5 * i:.6g}" for i in range(samples)]
    path.write_text("\r\n".join(lines) + "\r\n")
    return path


def hera(path: Path) -> Path:
    rng = np.random.default_rng(5)
    centres = np.arange(-97.5, 1000, 5)
    counts = rng.poisson(1000 * np.exp(-0.5 * ((centres[:, None] - [0, 100, 200]) / 12) ** 2)).sum(
        1
    )
    lines = ["*** Start of Header ***", "Signature:  \t HERA Writer V 1.1", "Ch.:  \t 0 "]
    lines += ["Bias Voltage [V]: \t 55,00 ", "Ch.:  \t 1 ", "Bias Voltage [V]: \t 53,50 "]
    lines += [
        "Channel Temperature [\xb0C]: \t 26,10 ",
        "DGTZ settings:",
        "Channel 0 Status: \t Off ",
    ]
    lines += ["Channel 1 Status: \t On ", "Gate Width|Pre|Hold: \t 200 | 72 | 5000 "]
    lines += ["*** End of Header ***", " ", "ADC Channel\tCounts\t "]
    lines += [f"{c:.2f} \t{n} \t" for c, n in zip(centres, counts, strict=True)]
    path.write_bytes("\n".join(lines).encode("latin-1"))
    return path


def test_measured_files_of_laboratories(shared_data: Path) -> None:
    bias, events = [], []
    for path in sorted((shared_data / "finger_spectra").iterdir()):
        (part,) = read_foreign(path, proposed(path))
        bias.append(part.bias_v)
        events.append(part.size)
        assert part.gate_s == pytest.approx(200e-9)
        assert 26 < part.temperature_c < 29
    assert bias == [53.5, 54.5, 54.0, 55.5, 55.0, 56.5, 56.0]
    assert min(events) > 380_000
    sizes = {}
    for path in sorted((shared_data / "waveforms").iterdir()):
        (part,) = read_foreign(path, proposed(path))
        sizes[path.suffix] = (part.waveforms.shape, part.sample_s)
    assert sizes[".csv"] == ((1, 100_000), 2e-10)
    assert sizes[".txt"][0] == (1, 5002)
    assert sizes[".txt"][1] == pytest.approx(4e-11, rel=1e-4)
    (curve,) = read_foreign(
        shared_data / "iv_other/iv_decimal_commas.txt", shipped_one("resistance, bias")
    )
    assert curve.curve.bias_v[1] == pytest.approx(0.5)
    assert curve.curve.current_a[-1] == pytest.approx(4.121e-6)
    temperatures = {"n30C": -30, "n20C": -20, "n10C": -10, "zeroC": 0, "p10C": 10, "p20C": 20}
    for folder, temperature in temperatures.items():
        for path in (shared_data / "btl_iv" / folder).rglob("*.csv"):
            assert not propose(path).certain  # two columns without headings may be anything
            (part,) = read_foreign(path, shipped_one("bias [V], current [A]"))
            assert part.temperature_c == temperature, path
            light = 1.0 if "mA" in path.name else 0.0 if "dark" in path.name else part.light
            assert part.light == light or np.isnan(part.light), path


def test_formats_by_their_own_marks(tmp_path: Path) -> None:
    (part,) = read_foreign(lecroy(tmp_path / "a_58V_n20C.txt"), shipped_one("LeCroy"))
    assert part.waveforms.shape == (2, 50)
    assert (part.bias_v, part.temperature_c) == (58.0, -20.0)
    path = hera(tmp_path / "h.txt")
    (part,) = read_foreign(path, proposed(path))
    assert (part.bias_v, part.temperature_c) == (53.5, 26.1)
    counts, _ = np.histogram(part.charges, np.arange(-100, 1000, 5))
    written = [int(line.split("\t")[1]) for line in path.read_text("latin-1").split("\n")[14:]]
    assert counts.tolist() == written[: len(counts)]


@pytest.mark.parametrize(
    ("text", "separator"),
    [("1.5;2.5e-9\n2.0;3.5e-9\n2.5;4.5e-9\n", ";"),
     ("1,5\t2,5E-9\n2,0\t3,5E-9\n2,5\t4,5E-9\n", "tab"),
     ("V,I\n1.5,2.5e-9\n2.0,3.5e-9\n2.5,4.5e-9\n", ","),
     ("# a 1\n1.5  2.5e-9\n2.0 3.5e-9\n2.5 4.5e-9\n\n", "blank")],
)  # fmt: skip
def test_tables_however_they_are_written(tmp_path: Path, text: str, separator: str) -> None:
    del separator
    path = tmp_path / "iv.txt"
    path.write_text(text)
    (part,) = read_foreign(path, shipped_one("bias [V], current [A]"))
    assert part.curve.bias_v.tolist() == [1.5, 2.0, 2.5]
    assert part.curve.current_a.tolist() == pytest.approx([2.5e-9, 3.5e-9, 4.5e-9])


def test_a_partners_root_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    q = rng.normal(10, 1, (600, 4)).astype("f4")
    path = tmp_path / "partner.root"
    with uproot.recreate(path) as file:
        file.mktree("ntuple", {"qdc": ("float32", (4,)), "hv_mV": "float64"})
        hv = np.repeat([55_000.0, 56_000.0], 300)
        file["ntuple"].extend({"qdc": q, "hv_mV": hv})
    document = {
        "name": "partner",
        "format": "root",
        "kind": "charge",
        "columns": [
            {"source": "qdc", "role": "charge", "scale": 2.0, "channel": 3},
            {"source": "hv_mV", "role": "bias_v", "unit": "mV"},
        ],
        "conditions": {"temperature_c": {"value": 21.0}},
    }
    parts = read_foreign(path, mapping_from_json(document))
    assert [(p.bias_v, p.temperature_c, p.size) for p in parts] == [(55, 21, 300), (56, 21, 300)]
    assert parts[0].channels == (3, 4, 5, 6)
    np.testing.assert_allclose(parts[1].charges, 2 * q[300:], rtol=1e-6)
    assert look_at(path, mapping_from_json(document))[0].size == 300


def test_a_mapping_with_faults_names_all_of_them() -> None:
    bad = {
        "name": "<x>",
        "format": "word",
        "kind": "iv",
        "columns": [{"source": "a", "role": "speed"}, {"role": "bias_v"}],
        "conditions": {"bias_v": {"file_name": "("}, "moon": {}},
        "tree": 3,
        "more": 1,
    }
    with pytest.raises(TableError) as fault:
        mapping_from_json(bad)
    for word in ("format", "name", "speed", "column 2", "bias_v", "moon", "tree", "more"):
        assert word in str(fault.value), word
    round_trip = mapping_from_json(all_shipped()[3].as_json())
    assert round_trip == all_shipped()[3]


def test_broken_files_have_a_name_for_their_fault(tmp_path: Path) -> None:
    whole = lecroy(tmp_path / "w.txt").read_bytes()
    spectrum = hera(tmp_path / "h.txt").read_bytes()
    cases = {
        "empty": (b"", "LeCroy", "empty"),
        "garbage": (bytes(range(256)) * 40, "LeCroy", "no text"),
        "cut": (whole[: len(whole) * 2 // 3], "LeCroy", "cut off"),
        "lying": (whole.replace(b"SegmentSize,50", b"SegmentSize,900000000"), "LeCroy", "can't"),
        "letters": (whole.replace(b",0.00101\r", b",zero\r"), "LeCroy", "is no sample"),
        "headless": (spectrum[600:], "HERA", "End of Header"),
        "uneven": (spectrum.replace(b"-47.50", b"-48.90"), "HERA", "evenly"),
        "negative": (spectrum.replace(b"-97.50 \t0", b"-97.50 \t-4"), "HERA", "counts"),
        "not root": (whole, "root", "ROOT"),
        "words": (b"the quick\nbrown fox\n" * 9, "bias [V], current [A]", "no table"),
        "infinite": (b"1,2\n2,inf\n3,4\n", "bias [V], current [A]", "finite"),
        "cut in a heading": (
            b"Record Length: 2\nChannel: 0\n1\n2\nRecord Length",
            "WaveDump",
            "Record Length",
        ),
        "short": (b"1,2\n2,3\n3\n4,5\n5,6\n6,7\n", "bias [V], current [A]", "line 3"),
    }
    root = Mapping("r", "root", "charge", (Column("q", "charge"),))
    for name, (content, mapping, word) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TableError) as fault:
            read_foreign(path, root if mapping == "root" else shipped_one(mapping))
        assert word in str(fault.value), (name, str(fault.value))
        assert name in str(fault.value) or "r:" in str(fault.value), name


def test_mutated_files_never_do_anything_but_name_a_fault(tmp_path: Path) -> None:
    """300 files with bytes changed, cut or doubled: read, or refused by a named fault."""
    rng = np.random.default_rng(20)
    with uproot.recreate(tmp_path / "q.root") as file:
        file.mktree("t", {"q": "float32"})
        file["t"].extend({"q": rng.normal(0, 1, 500).astype("f4")})
    root = Mapping("r", "root", "charge", (Column("q", "charge"),))
    sources = [
        (lecroy(tmp_path / "l.txt").read_bytes(), shipped_one("LeCroy")),
        (hera(tmp_path / "h2.txt").read_bytes(), shipped_one("HERA")),
        (b"".join(b"%d,%de-9\n" % (i, i) for i in range(60)), shipped_one("bias [V], current [A]")),
        ((tmp_path / "q.root").read_bytes(), root),
    ]
    path = tmp_path / "mutated"
    for number in range(300):
        content, mapping = sources[number % len(sources)]
        data = bytearray(content)
        for _ in range(rng.integers(1, 12)):
            data[rng.integers(0, len(data))] = rng.integers(0, 256)
        if rng.random() < 0.3:
            data = data[: rng.integers(0, len(data))]
        path.write_bytes(bytes(data))
        try:
            parts = read_foreign(path, mapping)
        except TableError:
            continue
        else:
            assert all(part.size > 0 for part in parts)
