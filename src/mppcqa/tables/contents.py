"""What a file of trees or datasets holds, and what the names in it say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mppcqa.tables.formats import hdf5, recognise, root
from mppcqa.tables.headings import read_head, roles_of
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.shipped import GENERAL

ALWAYS = {"waveform": "signal", "wave": "signal", "adc": "signal", "samples": "signal"}

COMPASS_ROLES = {"Energy": "charge", "Channel": "channel", "Board": "board"}
COMPASS = {*COMPASS_ROLES, "Timestamp", "Flags"}
"""Branches of the trees that CAEN's CoMPASS writes (Data_R, Data_F)."""


def contents(path: Path) -> dict[str, list[str]]:
    """Trees with their branches, or groups with their datasets; histograms have none."""
    found = recognise(path)
    return hdf5.contents(path) if found is not None and found.key == "hdf5" else root.contents(path)


def propose_of(path: Path, form: str) -> Mapping | None:
    """A mapping where the names of one tree say enough: bias and current, or one histogram."""
    there = contents(path)
    histograms = [name for name, keys in there.items() if not keys]
    if form == "root" and len(there) == 1 and histograms:
        return Mapping(GENERAL["spectrum"], form, "spectrum", tree=histograms[0])
    compass = [name for name, keys in there.items() if set(keys) >= COMPASS]
    if form == "root" and len(compass) == 1:
        columns = tuple(Column(key, role) for key, role in COMPASS_ROLES.items())
        return Mapping("CoMPASS tree", form, "charge", columns, tree=compass[0])
    fitting = []
    for name, keys in there.items():
        means = {key: roles_of(read_head(key)) for key in keys}
        bias = [key for key in keys if "bias_v" in means[key] and read_head(key).unit]
        current = [key for key in keys if "current_a" in means[key] and read_head(key).unit]
        if len(bias) == 1 and len(current) == 1:
            columns = (
                Column(bias[0], "bias_v", read_head(bias[0]).unit),
                Column(current[0], "current_a", read_head(current[0]).unit),
            )
            fitting.append(Mapping(GENERAL["iv"], form, "iv", columns, tree=name))
    return fitting[0] if len(fitting) == 1 else _of_groups(form, fitting)


def _of_groups(form: str, fitting: list[Mapping]) -> Mapping | None:
    """Groups of an HDF5 file with the same datasets, as one mapping; None where they differ."""
    if form != "hdf5" or len({one.columns for one in fitting}) != 1:
        return None
    parts = [one.tree.split("/") for one in fitting]
    if len({len(one) for one in parts}) > 1:
        return None
    same = [len(set(names)) == 1 for names in zip(*parts, strict=True)]
    tree = "/".join(name if kept else "*" for name, kept in zip(parts[0], same, strict=True))
    return replace(fitting[0], tree=tree)
