"""The small protocol between a stage and the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

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
    """True where there is a value for each condition (bias, temperature, light)."""
    headline: bool = False
    """True for the few that a summary or a table of devices shows."""
    correlated: bool = False
    """True where the channels' uncertainties move together (a calibration that all share), so
    that a mean over them is not more certain than one of them."""
    display_unit: str = ""
    """Unit that people prefer (``kHz``), with `display_scale` values of it in one stored unit."""
    display_scale: float = 1.0
    bounds: tuple[float | None, float | None] = (None, None)
    """What is physically possible; a value outside is refused as an analysis fault."""


@dataclass(frozen=True, order=True)
class Condition:
    """What a value was measured at; ``None`` where it does not apply.

    ``light`` is the setting of the light source, 0 for dark, in units of its own.
    """

    bias_v: float | None = None
    overvoltage_v: float | None = None
    temperature_c: float | None = None
    light: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """One value with its standard uncertainty, as an analysis yields it."""

    slot: int
    """Slot of the station that the device sat in."""
    channel: int | None
    """Channel from 0, or ``None`` for the whole device."""
    quantity: str
    value: float
    uncertainty: float
    condition: Condition = Condition()
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that an analysis could not do, in words for the person who reads the result."""

    slot: int | None
    channel: int | None
    what: str
    condition: Condition = Condition()


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """What an analysis gives back: values, and what it could not measure."""

    results: list[Result]
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of one device's values: what `draw` gets is what the pages and the report have."""

    key: str
    title: str
    quantities: tuple[str, ...]
    kind: Literal["against_bias", "map", "distribution"]


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
    overvoltage_v: float | None = None
    """Judge the value at the condition nearest to this overvoltage; ``None`` judges all."""
    reason: str = ""


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
    def quantities(self) -> tuple[Quantity, ...]: ...

    @property
    def charts(self) -> tuple[Chart, ...]: ...

    @property
    def limits(self) -> tuple[LimitDefault, ...]: ...

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
