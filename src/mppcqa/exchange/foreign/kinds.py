"""What stages say of other programs' files: whose runs they become, and what must be known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.refused import Refused
from mppcqa.stages import Axis, ForeignKind, Stage, all_stages, get_stage
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import OWN, Measured
from mppcqa.tables.ranges import implausible

OF_READERS = (
    Axis(key="sample_s", title=gettext_noop("Time between samples"), unit="s"),
    Axis(key="gate_s", title=gettext_noop("Gate"), unit="s"),
)
"""What a reader must know of data: no condition of the device."""
WORDS = {
    "charge": gettext_noop("charges"),
    "waveform": gettext_noop("waveforms"),
    "iv": gettext_noop("IV curve"),
    "staircase": gettext_noop("rate against threshold"),
}


def takers() -> list[Stage]:
    """The stages that take foreign files."""
    return [stage for stage in all_stages() if stage.foreign]


def axes() -> dict[str, Axis]:
    """The axes that foreign files may have, by key."""
    kinds = [kind for stage in takers() for kind in stage.foreign]
    return {axis.key: axis for kind in kinds for axis in kind.axes}


def to_say() -> dict[str, Axis]:
    """What a person may say of files that do not, by key."""
    return axes() | {one.key: one for one in OF_READERS}


def more_axes(keys: Iterable[str]) -> dict[str, str]:
    """The units of those axes that a mapping has to declare before it names them."""
    there = axes()
    return {key: there[key].unit for key in keys if key in there and key not in OWN}


def stage_of(mapping: Mapping) -> Stage:
    """The stage whose runs files of a mapping become.

    Raises `UnknownStage` for one that is not here, `Refused` where none takes such files.
    """
    if mapping.stage:
        return get_stage(mapping.stage)
    kind = "charge" if mapping.kind == "spectrum" else mapping.kind
    for stage in takers():
        if kind in {one.kind for one in stage.foreign}:
            return stage
    raise Refused(_("no stage takes files with %s") % _(WORDS[kind]))


def kind_of(stage: Stage, part: Measured) -> ForeignKind | None:
    """What a stage says of a part's kind of data; None where it takes none such."""
    return next((one for one in stage.foreign if one.kind == part.kind), None)


def example_of_names() -> str:
    """A pattern of file names, as most files are called."""
    first = next((kind for stage in takers() for kind in stage.foreign), None)
    there = {axis.key: axis.unit.removeprefix("°") for axis in first.axes} if first else {}
    fields = [f"{{{key}}}{there[key]}" for key in (first.needed if first else ())]
    return "{serial}/" + ("_".join(fields) or "{*}") + ".csv"


def complete(parts: Sequence[Measured], given: Dict[str, float], stage: Stage) -> list[Measured]:
    """Parts with the conditions that a person gave where the file says none.

    An axis that nobody says a value of, and that can be off, is off unless it has to be known.
    """
    for part in parts:
        kind = kind_of(stage, part)
        wanted = {axis.key: axis for axis in (*(kind.axes if kind else ()), *OF_READERS)}
        for key, axis in wanted.items():
            if not math.isnan(part.at(key)):
                continue
            if key in given:
                part.put(key, given[key])
            elif axis.off is not None and kind is not None and key not in kind.needed:
                part.put(key, axis.off)
    return list(parts)


def with_given(mapping: Mapping, given: Dict[str, float]) -> Mapping:
    """A mapping with what a person gave and a reader needs: times of samples and gate."""
    more = {
        name: Given(value=given[name])
        for name in ("sample_s", "gate_s")
        if name in given and name not in mapping.conditions
    }
    return replace(mapping, conditions={**mapping.conditions, **more})


def lacking(parts: Sequence[Measured], stage: Stage) -> list[str]:
    """Conditions that some part needs and has not."""
    names = [
        key
        for part in parts
        if (kind := kind_of(stage, part)) is not None
        for key in kind.needed
        if math.isnan(part.at(key))
    ]
    return list(dict.fromkeys(names))


def impossible(parts: Sequence[Measured]) -> list[str]:
    """Conditions that can't be so, in words."""
    found = [implausible(key, part.at(key)) for part in parts for key in to_say()]
    return list(dict.fromkeys(text for text in found if text))
