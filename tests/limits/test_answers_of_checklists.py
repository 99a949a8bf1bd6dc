"""What a person may answer to a checklist: every fault at its step, and pictures that are some."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User

from mppcqa.limits import checklists as room
from mppcqa.limits.checklists import (
    Answer,
    ChecklistRefused,
    Picture,
    checklist_faults,
    kind_of,
    record_checklist,
)
from mppcqa.results.models import Measurement
from mppcqa.runs.models import Run
from mppcqa.stages import get_stage
from mppcqa.stages.checklist import MOST_COUNTED, MOST_REMARK, Step

JPEG, PNG = b"\xff\xd8\xff" + bytes(20), b"\x89PNG\r\n\x1a\n" + bytes(20)
CHOICE = Step(key="label", title="Label", symbol="L", instruction="Look.", kind="choice",
              choices=("good", "fair", "bad"))  # fmt: skip
COUNT = Step(key="pins", title="Pins", symbol="N", instruction="Count.", kind="count",
             pictured=True)  # fmt: skip


def picture(content: bytes = JPEG, name: str = "a.jpg", **more: object) -> Picture:
    size = int(more.pop("size", len(content)))  # type: ignore[call-overload]
    return Picture(io.BytesIO(content), size, name, **more)  # type: ignore[arg-type]


def faults(**answers: Answer) -> list[tuple[str, str]]:
    good = {"label": Answer(0), "pins": Answer(0)}
    return [(one.field, str(one)) for one in checklist_faults((CHOICE, COUNT), good | answers)]


@pytest.mark.parametrize(
    ("start", "ending"),
    [(JPEG, "jpg"), (PNG, "png"), (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp"), (b"", ""),
     (b"RIFF\x10\x00\x00\x00WAVEfmt ", ""), (b"GIF89a", ""), (b"\xff\xd8", ""), (b" " + PNG, "")],
)  # fmt: skip
def test_pictures_are_told_by_how_they_begin(start: bytes, ending: str) -> None:
    assert kind_of(start[:16]) == ending


def test_a_step_that_is_not_answered_is_told_and_the_others_are_not() -> None:
    assert faults() == []
    assert faults(pins=Answer(None)) == [("pins", "Not answered yet.")]
    found = checklist_faults((CHOICE, COUNT), {})
    assert [one.field for one in found] == ["label", "pins"]


@pytest.mark.parametrize(
    ("key", "value", "good"),
    [("label", 2, True), ("label", 3, False), ("label", -1, False), ("label", True, False),
     ("pins", MOST_COUNTED, True), ("pins", MOST_COUNTED + 1, False)],
)  # fmt: skip
def test_an_answer_is_one_of_the_choices_or_a_number_that_can_be_counted(
    key: str, value: int, good: bool
) -> None:
    found = faults(**{key: Answer(value, remark="seen")})
    assert found == ([] if good else [(key, "That is no answer to this step.")])


def test_what_is_found_is_shown_or_said_why_not() -> None:
    told = "Show it on a photograph, or say in the remark why there is none."
    assert faults(pins=Answer(1)) == [("pins", told)]
    assert faults(pins=Answer(1, remark="the camera broke")) == []
    assert faults(pins=Answer(1, pictures=[picture()])) == []
    assert faults(label=Answer(2)) == [], "of a step that asks for none"
    assert faults(pins=Answer(0)) == [], "of nothing there is nothing to show"


def test_a_remark_has_an_end() -> None:
    assert faults(label=Answer(0, remark="x" * MOST_REMARK)) == []
    assert faults(label=Answer(0, remark="x" * (MOST_REMARK + 1))) == [
        ("label", f"The remark is longer than {MOST_REMARK} characters.")
    ]


def test_each_picture_has_its_faults_by_name() -> None:
    def told(one: Picture) -> list[str]:
        return [text for _field, text in faults(pins=Answer(1, pictures=[one]))]

    assert told(picture(PNG, "b.png")) == []
    assert told(picture(b"no picture", "c.jpg")) == [
        "c.jpg is no picture of the kinds JPEG, PNG and WebP."
    ]
    assert told(picture(size=room.MAX_BYTES)) == []
    assert told(picture(size=room.MAX_BYTES + 1)) == ["a.jpg has more than 50 MB."]
    marked = picture(marks=[[0.1, 0.2, 0.3, 0.4]] * (room.MOST_MARKS + 1))
    assert told(marked) == ["The marks on a.jpg can't be read; mark it again."]
    assert told(picture(marks=[[0.1, 7.0, 0.3, 0.4]])) == [
        "The marks on a.jpg can't be read; mark it again."
    ]
    looked = picture(PNG)
    told(looked)
    assert looked.file.tell() == 0, "it is read again, from its beginning"


def test_photographs_have_an_end_over_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_PICTURES", 2)
    two = Answer(1, pictures=[picture(), picture(PNG)])
    assert faults(pins=two) == []
    assert faults(pins=two, label=Answer(0, pictures=[picture()])) == [
        ("", "More than 2 photographs; choose the telling ones.")
    ]


@pytest.fixture
def fill(campaign: SimpleNamespace, operator: User) -> Callable[..., tuple[Run, object]]:
    stage = get_stage("inspection")
    number = iter(range(100))

    def filled(once: uuid.UUID | None = None, **changed: Answer) -> tuple[Run, object]:
        answers = {step.key: Answer(0) for step in stage.checklist} | changed
        device = campaign.devices[0 if once else next(number)]
        return record_checklist(stage, device, answers, once=once, by=operator, note="by eye")

    return filled


def test_what_is_found_becomes_a_run_with_a_value_a_step(
    fill: Callable[..., tuple[Run, object]], campaign: SimpleNamespace, operator: User
) -> None:
    found = Answer(3, remark="two bent, one missing", pictures=[picture(JPEG + b"once")])
    run, outcome = fill(bent_pins=found)
    assert (run.operator, run.note, run.station) == (operator, "by eye", None)
    values = Measurement.objects.filter(analysis__run_file__run=run)
    told = dict(values.values_list("quantity__key", "value"))
    assert told.pop("bent_pins") == 3
    assert set(told.values()) == {0.0}
    assert set(values.values_list("channel", flat=True)) == {-1}
    assert str(outcome) != "pass"
    kinds = sorted(run.files.values_list("kind", flat=True))
    assert kinds == ["checklist", "picture"]
    _other, good = fill()
    assert str(good) == "pass"


def test_a_form_that_comes_twice_is_one_run_and_a_faulty_one_is_none(
    fill: Callable[..., tuple[Run, object]],
) -> None:
    before = Run.objects.count()
    once = uuid.uuid4()
    first, outcome = fill(once)
    assert fill(once, bent_pins=Answer(2, remark="bent")) == (first, outcome)
    assert first.uuid == once
    with pytest.raises(ChecklistRefused) as refused:
        fill(bent_pins=Answer(2), cracks=Answer(None))
    assert [one.field for one in refused.value.faults] == ["bent_pins", "cracks"]
    assert Run.objects.count() == before + 1
