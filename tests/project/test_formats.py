"""The table of formats says what is read, of every reader that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mppcqa.tables.formats import FORMATS

TABLE = Path(__file__).parents[2] / "docs" / "formats.md"
SAID = {
    "root": "| ROOT |",
    "hdf5": "| HDF5",
    "tdms": "LabVIEW .tdms",
    "drs4": "DRS4",
    "tektronix_wfm": "Tektronix .wfm",
    "tektronix_isf": "Tektronix .isf",
    "janus_binary": "text and binary (.dat)",
    "hera": "CAEN HERA",
    "lecroy": "LeCroy text",
    "lecroy_binary": ".trc",
    "lvm": "LabVIEW .lvm",
    "mca": "ORTEC .spe",
    "instrument_sweep": "Keithley 2450",
    "wavedump": "WaveDump text",
    "janus": "CAEN Janus (A5202/DT5202) lists",
    "keysight": "Keysight and Agilent CSV",
    "tektronix": "Tektronix, Siglent, Rigol CSV",
    "petsys": "PETsys text",
    "source_meter": "source meters' buffers",
    "wavedump_binary": "WaveDump binary",
}
"""How the table calls each reader."""


@pytest.mark.parametrize("key", [one.key for one in FORMATS])
def test_a_reader_stands_in_the_table(key: str) -> None:
    assert key in SAID, f"write a line for {key} in docs/formats.md"
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    (row,) = [line for line in rows if SAID[key] in line.rpartition("|")[0].split("|")[1]
              or SAID[key] in line[:60]]  # fmt: skip
    _empty, _name, read, example, _left, _end = row.split("|")
    assert read.strip()
    assert example.strip()


def test_the_examples_of_the_table_are_there() -> None:
    for path in re.findall(r"`(tests/[\w./]+)`", TABLE.read_text()):
        assert (TABLE.parents[1] / path).exists(), path
