"""The small protocol between a stage and the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from mppcqa.stages.axes import Axis
from mppcqa.stages.conditions import ANYWHERE, Condition
from mppcqa.stages.foreign import ForeignKind
from mppcqa.stages.numbers import Bound
from mppcqa.stages.surveys import Survey

if TYPE_CHECKING:
    from mppcqa.stages.checklist import Step

Kind = Literal["integer", "number", "numbers", "choice", "flag", "text"]
"""What a parameter's value is; ``numbers`` is a list of numbers such as a bias scan."""

Scope = Literal["channel", "device"]
"""Whether a quantity has one value a channel or one a device."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a person chooses for a run, or for an analysis, in the stage's form."""

    key: str
    """Name in the run's parameters, with its unit where it has one (``temperature_c``)."""
    title: str
    """What the form shows; English, translated where it is shown."""
    kind: Kind
    """``numbers`` are written with blanks or semicolons between them (``52 52.5 53``); ``52,5`` is
    refused, for it may be one number or two. One number is a list of one."""
    default: Any
    """``None`` for a parameter that may be left empty."""
    unit: str = ""
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A kind of value that the stage's analysis yields."""

    key: str
    """Name in the database and in exports (``breakdown_voltage_v``)."""
    title: str
    """English, translated where it is shown."""
    symbol: str
    unit: str
    """Unit of the stored value; empty for a pure number or a probability."""
    scope: Scope = "channel"
    least_channels: int = 1
    """How many channels a device must have for it; a spread over one channel is no number, and
    a limit on it says nothing about a device of one channel."""
    conditional: bool = False
    """True where there is a value for each condition."""
    headline: bool = False
    """True for the few that a summary or a table of devices shows."""
    display_unit: str = ""
    """Unit that people prefer; empty for the stored one."""
    display_scale: float = 1.0
    """How many of `display_unit` are one of `unit`, as in ``unit="Hz", display_unit="kHz",
    display_scale=0.001``. Checked where the units differ by a prefix."""
    crossing: str = ""
    """Axis on which the straight line through its values meets zero at a point that means
    something (gain against bias: the breakdown voltage); empty for none."""
    drawn_on: Literal["", "iv"] = ""
    """Raw data that its values are marked on: ``iv`` for a voltage of an IV curve."""
    bounds: tuple[float | None, float | None] = (None, None)
    """What is physically possible; a value outside is refused as an analysis fault."""
    also_called: tuple[str, ...] = ()
    """What tables of other people call it beside title and symbol, in lower case."""
    says: str = ""
    """How it is had from others, where the title does not say it; the reference shows it."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One value with its standard uncertainties, as an analysis yields it."""

    slot: int
    """Slot of the station that the device sat in."""
    channel: int | None
    """Channel from 0, or ``None`` for the whole device."""
    quantity: str
    value: float
    uncertainty: float
    """Statistical: independent of that of every other value."""
    condition: Condition = ANYWHERE
    method: str = ""
    systematic: float = 0.0
    """What does not shrink when channels are averaged: calibrations, models. Both together are the
    root of the sum of their squares."""
    bound: Bound = 0
    """`BELOW` (of `mppcqa.stages`) where the true value is known only to be below: an upper
    limit, at 95 %; `ABOVE` where it is above. It then has no uncertainty (NaN)."""


@dataclass(frozen=True, kw_only=True)
class SharedPart:
    """A part of the systematic uncertainties that all values of an analysis have in common.

    It moves them together, so it says nothing of how they differ from each other: ``reference
    detector``, relative 0.03, of the PDE.
    """

    quantities: tuple[str, ...]
    """Keys of the quantities whose `Result.systematic` it is part of."""
    relative: float | None = None
    """As a part of the value; either this or `absolute`."""
    absolute: float | None = None
    """In the unit of the quantities."""
    kind: str = ""
    """What it is, as "responsivity"; English, translated where it is shown. Empty where its name
    says that."""
    of: str = ""
    """Whose it is and of when: equal ones move the values of all analyses together that have it."""

    def __post_init__(self) -> None:
        if (self.relative is None) == (self.absolute is None):
            raise ValueError("a shared uncertainty is either relative or absolute")

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, as it is kept with the analysis."""
        kind = "absolute" if self.relative is None else "relative"
        told = {"kind": self.kind, "of": self.of} if self.kind else {}
        return {"quantities": list(self.quantities), kind: getattr(self, kind), **told}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that an analysis could not do, in words for the person who reads the result."""

    slot: int | None
    channel: int | None
    what: str
    condition: Condition = ANYWHERE


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What one fit says of itself: kept with the analysis, shown beside its data."""

    slot: int
    channel: int
    condition: Condition
    chi2: float
    ndf: int
    p_value: float
    """Probability of a chi-squared at least as large; NaN where there is no fit."""
    events: float
    left_out: float
    """Events that the fit had not: beyond its bins."""
    free: tuple[str, ...] = ()
    """What was fitted besides what always is; English, translated where it is shown."""
    seen: tuple[str, ...] = ()
    """Those of `free` that the data show."""
    second_ways: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)
    """Title -> value and uncertainty of the fit, and the same had in another way."""
    fault: str = ""
    """Why there is no value; empty where there is one."""


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """What an analysis gives back: values, and what it could not measure."""

    results: list[Result]
    problems: list[Problem] = field(default_factory=list)
    shared: dict[str, SharedPart] = field(default_factory=dict)
    """By a name that people read."""
    fits: list[Fit] = field(default_factory=list)
    """A record of each fit."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of one device's values: what `draw` gets is what the pages and the report have."""

    key: str
    title: str
    quantities: tuple[str, ...]
    kind: Literal["against", "map", "distribution"]
    x: str = ""
    """Key of the axis that a chart of kind ``against`` is drawn over."""


@dataclass(frozen=True, kw_only=True)
class LimitDefault:
    """A band that the stage proposes for a quantity; a campaign makes its own set from it.

    Inside [pass_low, pass_high] passes, inside [warn_low, warn_high] warns, outside fails.
    ``None`` leaves a side open.
    """

    quantity: str
    pass_low: float | None = None
    pass_high: float | None = None
    warn_low: float | None = None
    warn_high: float | None = None
    at: Condition = ANYWHERE
    """Judge the value at the condition nearest to this one; an empty one judges all.

    A condition that is farther than `Axis.tolerance` on any axis is not judged: the device is
    incomplete, and told why."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """How a campaign of simulated devices shows the stage (`mppcqa demo`)."""

    stations: int = 1
    """Stations that measure side by side when the stage is shown by itself."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of its runs, where they differ from the defaults: small ones, so that it ends soon."""
    in_chain: bool = False
    """Whether it is one of the stages that every device of a demonstration passes."""


@runtime_checkable
class Stage(Protocol):
    """One kind of test. Implemented by a module-level object in the stage's folder."""

    @property
    def key(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def version(self) -> str:
        """Version of the analysis; a new one makes new analyses, never changes old ones."""

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    @property
    def settings(self) -> tuple[Parameter, ...]:
        """What a person may choose when a run file is analysed again; empty for nothing."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What its measuring points differ in, in the order in which a condition is told."""

    @property
    def typical(self) -> Condition:
        """Where pages show a device first: the measured condition nearest to this one."""

    @property
    def quantities(self) -> tuple[Quantity, ...]: ...

    @property
    def charts(self) -> tuple[Chart, ...]: ...

    @property
    def limits(self) -> tuple[LimitDefault, ...]: ...

    @property
    def demonstration(self) -> Demonstration:
        """How it is shown with simulated devices, if it has a program for that."""

    @property
    def foreign(self) -> tuple[ForeignKind, ...]:
        """Files of other programs that become its runs; empty where none do."""

    @property
    def survey(self) -> Survey | None:
        """How values come in by the tray that others measured; None where they don't."""

    @property
    def checklist(self) -> tuple[Step, ...]:
        """What a person looks at, where no program measures; empty where one does."""

    def program(self) -> list[str]:
        """Command of the simulated test program; empty where the stage only takes in files.

        A station may name another program; both get ``--config run.json --output run.root``.
        """

    def clean(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Checked parameters with defaults filled in.

        Raises `ValueError` whose message names the parameter, what was wrong and what is allowed.
        """

    def clean_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Checked settings with defaults filled in; raises as `clean` does."""

    def analyse(self, run_file: Path, settings: Mapping[str, Any]) -> AnalysisResult:
        """Values of every device in the run file; settings that are not given have their defaults.

        Raises `ValueError` for settings that `clean_settings` refuses, and
        `mppcqa.runfile.RunFileError` for a file that can't be read.
        """
