"""A stage or a kind of record that the house could not use is told what is wrong, all at once."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mppcqa.stages import Condition, all_stages, get_stage
from mppcqa.stages.checklist import Step
from mppcqa.stages.foreign import ForeignKind
from mppcqa.stages.parameters import clean_parameters
from mppcqa.stages.protocol import Chart, LimitDefault, Parameter, Quantity, Stage
from mppcqa.stages.records import ANNEALING, CYCLING, IRRADIATION, RecordField, RecordKind
from mppcqa.stages.records import _faults_of as faults_of_kind
from mppcqa.stages.validation import stage_faults

NAMES = [name for name in dir(Stage) if not name.startswith("_")]


def changed(**changes: Any) -> Any:
    """The stage of the PDE with something else in it."""
    stage = get_stage("pde")
    return SimpleNamespace(**{**{name: getattr(stage, name) for name in NAMES}, **changes})


def quantity(**changes: Any) -> Quantity:
    told: dict[str, Any] = {"key": "x", "title": "X", "symbol": "x", "unit": "Hz"}
    return Quantity(**{**told, **changes})


def more(**changes: Any) -> tuple[Quantity, ...]:
    return (*get_stage("pde").quantities, quantity(**changes))


def test_a_sound_stage_has_no_faults() -> None:
    assert stage_faults(changed()) == []
    assert stage_faults(changed(quantities=more())) == []


def test_what_is_no_stage_is_told_by_what_it_lacks() -> None:
    (fault,) = stage_faults(SimpleNamespace(key="x", title="X"))
    assert fault.startswith("it is no stage: SimpleNamespace has no ")
    assert "analyse" in fault
    assert "title" not in fault


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": "PDE"}, "must be small letters"),
        ({"key": "a b"}, "must be small letters"),
        ({"key": ""}, "1 to 50 characters, not 0"),
        ({"key": "a" * 51}, "1 to 50 characters, not 51"),
        ({"title": "  "}, "title of the stage"),
        ({"title": 5}, "is no text but int"),
        ({"version": "1" * 51}, "version of the stage"),
        ({"analyse": None}, "analyse can't be called"),
        ({"program": "run.py"}, "program can't be called"),
        ({"quantities": "pde"}, "quantities are no tuple but str"),
        ({"quantities": ("pde",)}, "quantities hold a str that is no Quantity"),
        ({"axes": {"bias_v": 1}}, "axes are no tuple but dict"),
        ({"quantities": (quantity(), quantity())}, "quantities name 'x' 2 times"),
        ({"demonstration": None}, "demonstration is no Demonstration"),
        ({"foreign": (1,)}, "foreign holds something"),
        ({"survey": 1}, "survey is no Survey but int"),
        ({"checklist": (1,)}, "checklist holds a int"),
        ({"program": lambda: "run.py"}, "program() gives no list of texts"),
        ({"program": lambda: [1]}, "program() gives no list of texts"),
        ({"clean": lambda given: {"a": math.nan}}, "clean does not take"),
        ({"clean_settings": lambda given: {"a": object()}}, "clean_settings does not take"),
        ({"quantities": more(scope="wafer")}, "has no scope that there is: 'wafer'"),
        ({"quantities": more(title="")}, "title of quantity 'x'"),
        ({"quantities": more(unit="u" * 21)}, "unit of quantity 'x'"),
        ({"quantities": more(bounds=(0,))}, "must have two bounds"),
        ({"quantities": more(display_scale=2.0)}, "no display unit"),
        ({"quantities": more(display_scale=math.inf)}, "display scale inf"),
        ({"quantities": more(display_scale=-1.0, display_unit="Hz")}, "display scale -1.0"),
        ({"quantities": more(display_scale=1000.0, display_unit="kHz")}, "display_scale=0.001"),
        ({"quantities": more(unit="", display_scale=0.01, display_unit="%")}, "display_scale=100"),
        ({"charts": (Chart(key="c", title="C", kind="against", x="dose", quantities=("pde",)),)},
         "drawn over 'dose', which is none of its axes"),
        ({"charts": (Chart(key="c", title="C", kind="map", quantities=("colour",)),)},
         "shows colour, which it does not yield"),
        ({"charts": (Chart(key="c", title="C", kind="cake", quantities=("pde",)),)},
         "of no kind that there is: 'cake'"),
        ({"limits": (LimitDefault(quantity="colour", pass_low=1.0),)}, "a limit is on 'colour'"),
        ({"limits": (LimitDefault(quantity="pde", pass_low=1.0, at=Condition(threshold_mv=1.0)),)},
         "'threshold_mv', which is none of its axes"),
        ({"limits": (LimitDefault(quantity="pde", pass_low=1.0, at=Condition(bias_v=math.nan)),)},
         "bias_v = nan, which is no number"),
        ({"typical": 5}, "no Condition but a int"),
        ({"typical": Condition(threshold_mv=1.0)}, "its typical condition is at 'threshold_mv'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_stage_is_said_in_words(changes: dict[str, Any], told: str) -> None:
    faults = stage_faults(changed(**changes))
    assert any(told in fault for fault in faults), faults
    assert len(faults) <= 2, faults


def test_several_faults_are_told_at_once() -> None:
    faults = stage_faults(changed(key="A", title="", analyse=1, quantities="x"))
    assert len(faults) == 4


def test_a_program_and_a_checklist_do_not_measure_both() -> None:
    step = Step(key="x", title="X", symbol="x", instruction="Look.", kind="count")
    faults = stage_faults(changed(checklist=(step,), quantities=more()))
    assert "it has a test program and a checklist; one of them measures" in faults
    lone = stage_faults(changed(checklist=(replace(step, key="y"),), program=lambda: []))
    assert any("yields y, which are no quantities" in fault for fault in lone)


def test_files_of_others_have_axes_of_the_stage_and_need_what_they_have() -> None:
    stage = next(one for one in all_stages() if one.foreign)
    kind = stage.foreign[0]
    whole = {name: getattr(stage, name) for name in NAMES}
    assert stage_faults(SimpleNamespace(**whole)) == []
    odd = SimpleNamespace(**{**whole, "axes": ()})
    assert any("which the stage has not" in fault for fault in stage_faults(odd))
    lacking: ForeignKind = replace(kind, needed=(*kind.needed, "colour"))
    found = stage_faults(SimpleNamespace(**{**whole, "foreign": (lacking,)}))
    assert any("need colour, which they do not have" in fault for fault in found)


@pytest.mark.parametrize(
    ("kind", "facts", "faults"),
    [
        (IRRADIATION, {"particle": "p", "fluence_neq_cm2": 1e12}, []),
        (IRRADIATION, {"particle": "p", "dose_gy": 0.0}, []),
        (IRRADIATION, {"particle": "p"}, [("fluence_neq_cm2", "one of")]),
        (IRRADIATION, {"dose_gy": 5.0}, [("particle", "needed")]),
        (IRRADIATION, {"particle": 5, "dose_gy": 5.0}, [("particle", "number")]),
        (IRRADIATION, {"particle": "p", "dose_gy": "5"}, [("dose_gy", "number")]),
        (IRRADIATION, {"particle": "p" * 101, "dose_gy": 5.0}, [("particle", "long")]),
        (IRRADIATION, {"particle": "p" * 100, "dose_gy": 5.0}, []),
        (IRRADIATION, {"particle": "p", "dose_gy": -1.0}, [("dose_gy", "range")]),
        (IRRADIATION, {"particle": "p", "dose_gy": 1.0, "hue": 1}, [("hue", "unknown")]),
        (ANNEALING, {"temperature_c": -273.15, "annealing_h": 1.0}, []),
        (ANNEALING, {"temperature_c": -273.16, "annealing_h": 1.0}, [("temperature_c", "range")]),
        (ANNEALING, {"temperature_c": 1000.1, "annealing_h": 1.0}, [("temperature_c", "range")]),
        (ANNEALING, {}, [("temperature_c", "needed"), ("annealing_h", "needed")]),
        (CYCLING, {"thermal_cycles": 3.0}, []),
        (CYCLING, {"thermal_cycles": 2.5}, [("thermal_cycles", "whole")]),
        (CYCLING, {"thermal_cycles": 0.0}, [("thermal_cycles", "range")]),
        (CYCLING, {"thermal_cycles": 1.0, "lowest_c": None}, []),
    ],
)
def test_facts_of_a_record_are_held_against_its_kind(
    kind: RecordKind, facts: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert kind.faults(facts) == faults


def test_a_kind_sums_its_own_fields_alone() -> None:
    kind = RecordKind(
        key="k", title="K", fields=(RecordField(key="a", title="A"),), sums={"dose_gy": "b"}
    )
    assert faults_of_kind(kind) == ["sums of fields that it has not: b"]
    assert faults_of_kind(replace(kind, sums={"dose_gy": "a"})) == []
    assert faults_of_kind("kind") == ["it is no RecordKind but str"]


def parameter(kind: Any, **more_: Any) -> Parameter:
    return Parameter(key="p", title="P", kind=kind, **{"default": None, **more_})


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        (parameter("integer"), "12", 12), (parameter("integer"), 12.0, 12),
        (parameter("integer"), "", None), (parameter("number"), "1,5", 1.5),
        (parameter("numbers"), "1 2;3", [1.0, 2.0, 3.0]), (parameter("numbers"), 5, [5.0]),
        (parameter("numbers"), (1, "2"), [1.0, 2.0]), (parameter("flag"), "On", True),
        (parameter("flag"), 0, False), (parameter("text"), 5, "5"),
        (parameter("choice", choices=("a", "b")), "b", "b"),
        (parameter("number", minimum=1.0, maximum=2.0), 1, 1.0),
        (parameter("number", minimum=1.0, maximum=2.0), 2, 2.0),
    ],
)  # fmt: skip
def test_what_was_typed_is_taken_as_its_kind(declared: Parameter, given: Any, value: Any) -> None:
    assert clean_parameters([declared], {"p": given}) == {"p": value}


@pytest.mark.parametrize(
    ("declared", "given", "told"),
    [
        (parameter("integer"), 1.5, "no whole number"), (parameter("integer"), 2.0**54, "whole"),
        (parameter("number"), True, "no number"), (parameter("number"), "x", "'x' is no number"),
        (parameter("number"), math.inf, "no finite number"), (parameter("number"), b"1", "no n"),
        (parameter("number", minimum=1.0, unit="V"), 0.5, "0.5 V is less than 1 V"),
        (parameter("number", maximum=1.0, unit="V"), 1.5, "1.5 V is more than 1 V"),
        (parameter("numbers"), [], "at least one"), (parameter("numbers"), "5,10", "5.10 or 5 10"),
        (parameter("numbers"), ["5,10"], "5.10 or 5 10"), (parameter("numbers"), "1 x", "'x' is"),
        (parameter("choice", choices=("a", "b")), "c", "none of a, b"),
        (parameter("flag"), "maybe", "neither true nor false"), (parameter("text"), True, "no tex"),
        (parameter("flag"), 2, "neither true nor false"), (parameter("text"), [1], "is no text"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_kind_is_refused_by_its_title(
    declared: Parameter, given: Any, told: str
) -> None:
    with pytest.raises(ValueError, match="P: ") as refused:
        clean_parameters([declared], {"p": given})
    assert told in str(refused.value)


def test_defaults_fill_in_and_strange_keys_are_told_with_all_else() -> None:
    declared = [parameter("number", default=2.0), replace(parameter("integer"), key="q", title="Q")]
    assert clean_parameters(declared, {}) == {"p": 2.0, "q": None}
    with pytest.raises(ValueError, match=r"there is no parameter 'z'; P: .*; Q: "):
        clean_parameters(declared, {"z": 1, "p": "x", "q": "y"})
