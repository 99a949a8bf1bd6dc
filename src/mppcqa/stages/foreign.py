"""Files of other programs: which of them become runs of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mppcqa.stages.axes import BIAS_AXIS, LIGHT_AXIS, TEMPERATURE_AXIS, Axis
from mppcqa.tables.mapping import Mapping


@dataclass(frozen=True, kw_only=True)
class ForeignKind:
    """Files with one kind of data."""

    kind: Literal["charge", "waveform", "iv", "staircase"]
    """Charges of triggers (also as a histogram), waveforms, or a curve of current."""
    axes: tuple[Axis, ...]
    """What their points may differ in: files say it, or a person does for them."""
    needed: tuple[str, ...] = ()
    """Keys of those without which the data can't be used; of the others `Axis.off` is taken."""
    mappings: tuple[Mapping, ...] = ()
    """How such files are read, where headings alone do not tell: people find them by their names,
    and one of tables is proposed for each file that has all its headings."""


_POINT = (BIAS_AXIS, TEMPERATURE_AXIS, LIGHT_AXIS)
CHARGES = ForeignKind(kind="charge", axes=_POINT, needed=(BIAS_AXIS.key, TEMPERATURE_AXIS.key))
WAVEFORMS = ForeignKind(kind="waveform", axes=_POINT, needed=(BIAS_AXIS.key, TEMPERATURE_AXIS.key))
STAIRCASES = ForeignKind(
    kind="staircase", axes=_POINT, needed=(BIAS_AXIS.key, TEMPERATURE_AXIS.key)
)
CURVES = ForeignKind(kind="iv", axes=(TEMPERATURE_AXIS, LIGHT_AXIS), needed=(TEMPERATURE_AXIS.key,))
