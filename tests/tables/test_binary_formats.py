"""HDF5 and TDMS files, made here as their own programs make them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot
from nptdms import ChannelObject, TdmsWriter

from mppcqa.tables import TableError
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import look_at, read_foreign

WAVES = np.arange(50 * 32, dtype="i2").reshape(50, 32)


def test_datasets_of_hdf5_by_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "run_20C.h5"
    with h5py.File(path, "w") as file:
        file["daq/adc"] = WAVES
        file["daq/hv"] = np.repeat([55_000.0, 56_000.0], 25)
        file["daq/hv"].attrs["units"] = "mV"
    document = {
        "name": "h5",
        "format": "hdf5",
        "kind": "waveform",
        "tree": "daq",
        "columns": [{"source": "adc", "role": "signal"}, {"source": "hv", "role": "bias_v"}],
        "conditions": {"sample_s": {"value": 4e-9}},
    }
    mapping = mapping_from_json(document)
    parts = read_foreign(path, mapping)
    assert [(part.bias_v, part.size, part.temperature_c) for part in parts] == [
        (55.0, 25, 20.0),
        (56.0, 25, 20.0),
    ]
    np.testing.assert_array_equal(parts[1].waveforms, WAVES[25:])
    assert look_at(path, mapping)[0].size == 25
    asked = propose(path)
    assert not asked.certain
    assert "daq: adc, hv" in str(asked.doubts[0])
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(TableError, match="cut off or damaged"):
        read_foreign(path, mapping)


def test_fields_of_a_table_of_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "iv_20C.h5"
    table = np.zeros(40, [("Voltage (V)", "f8"), ("Current (nA)", "f8")])
    table["Voltage (V)"], table["Current (nA)"] = np.arange(40) + 20, np.arange(40) + 1
    with h5py.File(path, "w") as file:
        file["sweep"] = table
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    (part,) = read_foreign(path, found.mapping)
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.current_a, table["Current (nA)"] * 1e-9)


def test_waveforms_of_labview(tmp_path: Path) -> None:
    path = tmp_path / "pulse_55V_20C.tdms"
    with TdmsWriter(path) as file:
        about = {"wf_increment": 1e-9, "unit_string": "mV"}
        file.write_segment([ChannelObject("scope", "CH1", np.arange(100.0), about)])
    found = propose(path)
    assert found.certain
    assert found.mapping is not None
    (part,) = read_foreign(path, found.mapping)
    assert part.waveforms is not None
    np.testing.assert_allclose(part.waveforms[0], np.arange(100) * 1e-3, rtol=1e-6)
    assert (part.sample_s, part.bias_v) == (1e-9, 55.0)


def test_an_rntuple_by_the_names_of_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "iv_20C.root"
    with uproot.recreate(path) as file:
        fields = {"Voltage_mV": np.arange(49e3, 53e3, 1e3), "Current_nA": np.arange(4.0)}
        file.mkrntuple("iv", fields)
    found = propose(path).mapping
    assert found is not None
    (part,) = read_foreign(path, found)
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, np.arange(49.0, 53.0))
    np.testing.assert_allclose(part.curve.current_a, 1e-9 * np.arange(4.0))
