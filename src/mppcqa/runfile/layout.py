"""Names and types of the run file, version 1. `docs/run-file.md` says the same in words."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1
META = "meta"
META_KEYS = ("layout", "run", "stage", "station", "operator", "program", "started", "slots")
SLOT_KEYS = ("slot", "serial", "channels")


@dataclass(frozen=True)
class Branch:
    """A branch: its name, its type as NumPy writes it, and whether each value must be finite."""

    name: str
    kind: str
    finite: bool = True


CONDITION = (
    Branch("point", "int32"),
    Branch("bias_v", "float64"),
    Branch("overvoltage_v", "float64", finite=False),
    Branch("temperature_c", "float64"),
    Branch("light", "float64"),
)
CHARGE = (Branch("point", "int32"), Branch("slot", "int32"), Branch("charge", "float32", False))
TREES = {"condition": CONDITION, "charge": CHARGE}


class RunFileError(Exception):
    """A run file that can't be written or read; the message names file, place and remedy."""
