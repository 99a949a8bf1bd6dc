"""Formats that are known by their own marks: a module each, gathered in `formats`.

A package brings further ones by entry points of the group ``mppcqa.readers`` that name a `Format`.
"""

from __future__ import annotations

import logging
from functools import cache, lru_cache
from pathlib import Path

from mppcqa.plugins import gather, instance_of
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

GROUP = "mppcqa.readers"
logger = logging.getLogger(__name__)
OWN: tuple[Format, ...] = (
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


@cache
def formats() -> dict[str, Format]:
    """Every format by its key, in the order in which a file is held against them."""
    own = {one.key: one for one in OWN}
    found = {one.key: one for one in gather(GROUP, instance_of(Format), (*own, "table"))}
    # The last of ours has next to no mark: whoever knows a file better comes before it.
    *first, last = own
    return {key: own[key] for key in first} | found | {last: own[last]}


def recognise(path: Path) -> Format | None:
    """The format whose marks a file bears; None for a table, or for what is not known."""
    state = path.stat()
    return _recognised(path, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=8)
def _recognised(path: Path, _time: int, _size: int, _inode: int) -> Format | None:
    """Asked several times of a file that is proposed, looked at and read."""
    with path.open("rb") as file:
        start = file.read(4096)
    return next((one for one in formats().values() if _looks(one, start, path)), None)


def _looks(form: Format, start: bytes, path: Path) -> bool:
    try:
        return form.looks(start, path)
    except Exception:
        if form in OWN:
            raise
        # A reader of another package that fails must not keep a file from those that know it.
        logger.exception("the reader %s could not look at a file; it is passed over", form.key)
        return False


__all__ = ["OWN", "Format", "formats", "recognise"]
