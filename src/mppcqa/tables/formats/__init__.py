"""Formats that are known by their own marks: a module each, gathered in `FORMATS`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mppcqa.tables.formats import (
    drs4,
    hdf5,
    hera,
    instrument_sweeps,
    janus,
    janus_binary,
    keysight,
    lecroy,
    lecroy_binary,
    lvm,
    mca,
    oscilloscope,
    petsys,
    root,
    source_meter,
    tdms,
    tektronix_isf,
    tektronix_wfm,
    wavedump,
    wavedump_binary,
)
from mppcqa.tables.formats.base import Format

FORMATS: tuple[Format, ...] = (
    root.FORMAT,
    hdf5.FORMAT,
    tdms.FORMAT,
    drs4.FORMAT,
    tektronix_wfm.FORMAT,
    tektronix_isf.FORMAT,
    janus_binary.FORMAT,
    hera.FORMAT,
    lecroy.FORMAT,
    lecroy_binary.FORMAT,
    lvm.FORMAT,
    mca.FORMAT,
    instrument_sweeps.FORMAT,
    wavedump.FORMAT,
    janus.FORMAT,
    keysight.FORMAT,
    oscilloscope.FORMAT,
    petsys.FORMAT,
    source_meter.FORMAT,
    # Last: six numbers that agree are its only mark.
    wavedump_binary.FORMAT,
)
BY_KEY = {one.key: one for one in FORMATS}


def recognise(path: Path) -> Format | None:
    """The format whose marks a file bears; None for a table, or for what is not known."""
    state = path.stat()
    return _recognised(path, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=8)
def _recognised(path: Path, _time: int, _size: int, _inode: int) -> Format | None:
    """Asked several times of a file that is proposed, looked at and read."""
    with path.open("rb") as file:
        start = file.read(4096)
    return next((one for one in FORMATS if one.looks(start, path)), None)


__all__ = ["BY_KEY", "FORMATS", "Format", "recognise"]
