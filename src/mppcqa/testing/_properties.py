"""What every stage must hold, as tests that a class of yours inherits."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mppcqa.runfile import RunFileError
from mppcqa.stages import Parameter, Result, Stage
from mppcqa.stages.axes import SHARED_AXES, SUMMED_AXES
from mppcqa.stages.numbers import ABOVE, BELOW
from mppcqa.stages.validation import stage_faults
from mppcqa.testing._station import Measured, SimulatedStation

if TYPE_CHECKING:
    from mppcqa.stages import Quantity

TRIES = 50
CUTS = (0.1, 0.5, 0.9)
"""Parts of a file that a cut-off one keeps."""


class StageProperties:
    """Tests of one stage; inherit, and say which::

        class TestProperties(StageProperties):
            stage = STAGE

    They run its program on two devices with its demonstration's parameters. A stage without a
    program is tested on what it declares alone.
    """

    stage: ClassVar[Stage]
    devices: ClassVar[Mapping[str, int]] = {"T-1": 16, "T-2": 16}
    """Serial number -> channels of the devices that are measured."""
    _measured: ClassVar[dict[Any, Measured]] = {}

    def parameters(self) -> dict[str, Any]:
        """Parameters of the run that differ from the defaults: those of the demonstration."""
        return dict(self.stage.demonstration.parameters)

    def measured(self, folder: Path) -> Measured | None:
        """The run that the tests look at, measured once; None of a stage without a program."""
        if not self.stage.program():
            return None
        if type(self) not in self._measured or not self._measured[type(self)].path.exists():
            station = SimulatedStation(self.stage, folder)
            self._measured[type(self)] = station.measure(self.devices, self.parameters())
        return self._measured[type(self)]

    def test_what_it_declares_has_no_fault(self) -> None:
        faults = stage_faults(self.stage)
        assert not faults, "\n".join(faults)

    def test_an_entry_point_leads_to_it(self) -> None:
        """It is installed: ``pip install --editable .``, and a group ``mppcqa.stages``."""
        from mppcqa.stages import get_stage

        found = get_stage(self.stage.key)
        assert found is self.stage, f"the entry point leads to another stage: {found}"

    def test_parameters_within_what_is_declared_are_taken_as_they_are(self) -> None:
        """Defaults, and values drawn between minimum and maximum; JSON brings them back."""
        declared = (
            (self.stage.parameters, self.stage.clean),
            (self.stage.settings, self.stage.clean_settings),
        )
        for parameters, clean in declared:
            defaults = clean({})
            assert clean(defaults) == defaults, "its own defaults are changed or refused"
            missing = {one.key for one in parameters} ^ set(defaults)
            assert not missing, f"clean gives others than are declared: {missing}"
            draw = random.Random(1)  # noqa: S311 - no secret
            for one in parameters:
                for value in (_drawn(one, draw) for _ in range(TRIES)):
                    cleaned = clean({one.key: value})
                    assert cleaned[one.key] == value, f"{one.key} = {value!r} was changed"
                    back = json.loads(json.dumps(cleaned))
                    assert back == cleaned, f"{one.key} = {value!r} is no plain JSON"

    def test_other_parameters_are_refused_by_name(self) -> None:
        for clean in (self.stage.clean, self.stage.clean_settings):
            try:
                clean({"no_such_parameter": 1})
            except ValueError as error:
                named = "no_such_parameter" in str(error)
                assert named, f"the refusal does not name the parameter: {error}"
            else:
                raise AssertionError("a parameter that it has not was taken")

    def test_the_program_tells_how_far_it_is(self, tmp_path: Path) -> None:
        measured = self.measured(tmp_path)
        if measured is None:
            return
        assert measured.progress, "it prints no line such as: @progress 1/10"
        done = [n / of for n, of in measured.progress]
        assert done == sorted(done), "its progress goes back"
        assert done[-1] == 1, "its progress does not end with N/N"

    def test_the_analysis_gives_what_is_declared_and_possible(self, tmp_path: Path) -> None:
        measured = self.measured(tmp_path)
        if measured is None:
            return
        found = self.stage.analyse(measured.path, {})
        assert found.results, "it finds nothing in what its own program wrote"
        assert all(one.what for one in found.problems), "a problem says nothing"
        wrong = [fault for one in found.results if (fault := self._fault(one))]
        assert not wrong, "\n".join(wrong[:20])
        seen = [(one.slot, one.channel, one.quantity, one.condition) for one in found.results]
        assert len(seen) == len(set(seen)), "two values of one channel, quantity and condition"

    def test_each_limit_judges_a_value_of_its_own_program(self, tmp_path: Path) -> None:
        """One at a place where nothing is measured leaves every device incomplete."""
        measured = self.measured(tmp_path)
        if measured is None:
            return
        found = self.stage.analyse(measured.path, {}).results
        axes = {one.key: one for one in (*SHARED_AXES, *SUMMED_AXES, *self.stage.axes)}
        for limit in self.stage.limits:
            there = {one.condition for one in found if one.quantity == limit.quantity}
            near = [
                at
                for at in there
                if all(key in at and axes[key].is_near(at[key], v) for key, v in limit.at.items())
            ]
            told = "; ".join(sorted(at.text for at in there)[:10])
            assert near or not there, (
                f"the limit on {limit.quantity} judges at {limit.at.text}, but the program measured"
                f" at {told}: change one of them, or the tolerance of the axis"
            )

    def test_analysing_again_gives_the_same(self, tmp_path: Path) -> None:
        measured = self.measured(tmp_path)
        if measured is None:
            return
        first, second = (self.stage.analyse(measured.path, {}) for _ in range(2))
        for one, other in zip(first.results, second.results, strict=True):
            told = f"the analysis depends on more than the file:\n{one}\n{other}"
            assert all(map(_same, vars(one).values(), vars(other).values())), told
        assert list(map(repr, first.problems)) == list(map(repr, second.problems))

    def test_a_file_that_was_cut_off_is_refused_as_one(self, tmp_path: Path) -> None:
        measured = self.measured(tmp_path)
        if measured is None:
            return
        data = measured.path.read_bytes()
        for part in CUTS:
            path = tmp_path / f"cut-{part}.root"
            path.write_bytes(data[: int(len(data) * part)])
            try:
                self.stage.analyse(path, {})
            except RunFileError:
                continue
            raise AssertionError(f"{part:.0%} of a run file was taken for a whole one")

    def _fault(self, one: Result) -> str:
        """What is wrong with a value; empty where nothing is."""
        quantities = {each.key: each for each in self.stage.quantities}
        slots = dict(enumerate(self.devices.values(), 1))
        declared = quantities.get(one.quantity)
        if declared is None:
            return f"{one.quantity} is no quantity that it declares"
        if one.slot not in slots:
            return f"{one.quantity}: there is no slot {one.slot}"
        if (one.channel is None) != (declared.scope == "device"):
            return f"{one.quantity} is of a {declared.scope}, not of channel {one.channel}"
        if one.channel is not None and not 0 <= one.channel < slots[one.slot]:
            return f"{one.quantity}: there is no channel {one.channel}"
        axes = {axis.key for axis in (*self.stage.axes, *SHARED_AXES, *SUMMED_AXES)}
        if unknown := set(one.condition) - axes:
            return f"{one.quantity} is at {', '.join(unknown)}, which is no axis of it"
        return _number_fault(one, declared)


def _number_fault(one: Result, declared: Quantity) -> str:
    at = f"{one.quantity} of slot {one.slot}, channel {one.channel}"
    if not math.isfinite(one.value):
        return f"{at} is {one.value}; what can't be measured is a Problem"
    low, high = declared.bounds
    if (low is not None and one.value < low) or (high is not None and one.value > high):
        return f"{at} is {one.value}, outside of its bounds {low} to {high}"
    if one.bound not in (BELOW, 0, ABOVE):
        return f"{at} has the bound {one.bound!r}, which is neither BELOW, 0 nor ABOVE"
    if one.bound and not math.isnan(one.uncertainty):
        return f"{at} is a bound with the uncertainty {one.uncertainty}; a bound has none (NaN)"
    if one.bound == 0 and not 0 <= one.uncertainty < math.inf:
        return f"{at} has the uncertainty {one.uncertainty}"
    if not 0 <= one.systematic < math.inf:
        return f"{at} has the systematic uncertainty {one.systematic}"
    return ""


def _same(one: object, other: object) -> bool:
    """Alike but for the last digits: compiled loops go another way where arrays lie otherwise."""
    if not isinstance(one, float) or not isinstance(other, float):
        return one == other
    return math.isclose(one, other, rel_tol=1e-6) or (math.isnan(one) and math.isnan(other))


def _drawn(one: Parameter, draw: random.Random) -> Any:
    """A value that a parameter's declaration allows."""
    low = 0.0 if one.minimum is None else one.minimum
    high = low + 1000.0 if one.maximum is None else one.maximum
    match one.kind:
        case "integer":
            return draw.randint(math.ceil(low), math.floor(high))
        case "number":
            return draw.uniform(low, high)
        case "numbers":
            return sorted(draw.uniform(low, high) for _ in range(draw.randint(1, 5)))
        case "choice":
            return draw.choice(list(one.choices))
        case "flag":
            return draw.random() < 0.5
        case "text":
            return "".join(draw.choices("abc µ1", k=5)).strip()
