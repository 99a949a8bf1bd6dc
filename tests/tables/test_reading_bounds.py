"""What is read is all that is there, event by event; what can't be so is refused by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mppcqa.tables import TableError, reading
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.reading import look_at, read_foreign
from tests.tables.test_foreign import lecroy, shipped_one

SAMPLES = 6


def mapping(form: str, *columns: dict[str, Any], kind: str = "waveform") -> Mapping:
    return mapping_from_json(
        {
            "name": "made",
            "format": form,
            "kind": kind,
            "columns": list(columns),
            "conditions": {
                "sample_s": {"value": 1e-9},
                "bias_v": {"value": 55.0},
                "temperature_c": {"value": 20.0},
            },
        }
    )


STACKED = mapping(
    "table",
    {"source": "event", "role": "event"},
    {"source": "ch", "role": "channel"},
    {"source": "v", "role": "signal"},
)


def stacked(path: Path, lengths: list[int]) -> Path:
    """Samples below one another: two channels, whose rows of an event alternate."""
    rows = ["event,ch,v"]
    for event, length in enumerate(lengths):
        rows += [
            f"{event + 10},{channel},{100 * event + 10 * channel + n}"
            for n in range(length)
            for channel in (0, 1)
        ]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_samples_below_one_another_stay_with_their_event(tmp_path: Path) -> None:
    parts = read_foreign(stacked(tmp_path / "a.csv", [SAMPLES] * 4), STACKED)
    assert [part.channels for part in parts] == [(0,), (1,)]
    for part in parts:
        (channel,) = part.channels
        assert part.waveforms is not None
        expected = [[100 * k + 10 * channel + n for n in range(SAMPLES)] for k in range(4)]
        np.testing.assert_array_equal(part.waveforms, expected)


def test_a_waveform_of_another_length_is_named(tmp_path: Path) -> None:
    path = stacked(tmp_path / "a.csv", [SAMPLES, SAMPLES, SAMPLES - 1, SAMPLES])
    with pytest.raises(TableError, match="waveform 3 has 5 samples, the first 6"):
        read_foreign(path, STACKED)


@pytest.fixture
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is large from 400 kB on."""
    monkeypatch.setattr(reading, "LOOK_BYTES", 20_000)


def test_a_look_at_segments_shows_whole_ones_with_their_times(
    tmp_path: Path, in_haste: None
) -> None:
    path = lecroy(tmp_path / "a_58V_n20C.txt", segments=400, samples=50)
    assert path.stat().st_size > 400_000
    (whole,) = read_foreign(path, shipped_one("LeCroy"))
    (shown,) = look_at(path, shipped_one("LeCroy"))
    assert whole.waveforms is not None
    assert shown.waveforms is not None
    assert whole.waveforms.shape == (400, 50)
    n = len(shown.waveforms)
    assert 1 <= n < 400
    assert shown.waveforms.shape == (n, 50)
    np.testing.assert_array_equal(shown.waveforms, whole.waveforms[:n])
    assert shown.sample_s == whole.sample_s == pytest.approx(4e-11)


def test_a_look_at_one_endless_segment_shows_its_beginning(tmp_path: Path, in_haste: None) -> None:
    path = lecroy(tmp_path / "a_58V_n20C.txt", segments=1, samples=20_000)
    (shown,) = look_at(path, shipped_one("LeCroy"))
    assert shown.waveforms is not None
    n_waves, n = shown.waveforms.shape
    assert n_waves == 1
    assert 2 <= n < 20_000
    np.testing.assert_allclose(shown.waveforms[0], 1e-5 * np.arange(n), rtol=1e-5, atol=1e-12)


def test_segments_that_were_cut_off_are_counted(tmp_path: Path) -> None:
    path = lecroy(tmp_path / "a_58V_n20C.txt", segments=3, samples=50)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(TableError, match="3 x 50 samples are announced, 149 are there"):
        read_foreign(path, shipped_one("LeCroy"))


def hdf5(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file.create_dataset(name, data=values, compression="gzip")
    return path


CHARGES = mapping(
    "hdf5", {"source": "q", "role": "charge"}, {"source": "hv", "role": "bias_v"}, kind="charge"
)


def test_numbers_that_pack_well_are_read_all(tmp_path: Path) -> None:
    # 160 kB in a few hundred bytes: all alike, as the bias of a run is.
    rng = np.random.default_rng(1)
    charge = rng.normal(100, 5, 20_000)
    path = hdf5(tmp_path / "a.h5", q=charge, hv=np.full(20_000, 55.0))
    (part,) = read_foreign(path, CHARGES)
    assert part.charges is not None
    np.testing.assert_allclose(part.charges[:, 0], charge, rtol=1e-6)
    assert part.bias_v == 55.0


def test_a_small_file_that_claims_a_billion_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("q", (1 << 30,), "f8", chunks=(1 << 20,), compression="gzip")
        file.create_dataset("hv", (1 << 30,), "f8", chunks=(1 << 20,), compression="gzip")
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TableError, match="claims 1073741824 values in"):
        read_foreign(path, CHARGES)


def test_datasets_of_different_lengths_are_named_with_them(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", q=np.arange(30.0), hv=np.full(29, 55.0))
    with pytest.raises(TableError, match="different lengths: q: 30, hv: 29"):
        read_foreign(path, CHARGES)


def test_words_in_place_of_numbers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["q"] = np.arange(30.0)
        file["hv"] = ["high"] * 30
    with pytest.raises(TableError, match="hv does not hold plain numbers"):
        read_foreign(path, CHARGES)
