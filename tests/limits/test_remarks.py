"""What a verdict remarks: kept as codes, told in the reader's language, and never lost."""

from __future__ import annotations

import json

import pytest
from django.utils.translation import override

from mppcqa.limits import remarks as room
from mppcqa.limits.remarks import kept, lacking, remarks, too_far
from mppcqa.stages import Condition

FAR = too_far(Condition(bias_v=72.0), Condition(bias_v=71.0, temperature_c=20.0))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (room.NOTHING, "no value was measured"),
        (room.NEAR, "the limit lies within the value's uncertainty"),
        (room.UNTOLD, "only a limit of the value is known, which may lie on either side"),
        (lacking(1), "one channel has no value"),
        (lacking(2), "2 channels have no value"),
        # Of the nearest place, what the limit names.
        (FAR, "no value near 72 V (nearest: 71 V)"),
    ],
)
def test_each_remark_has_words_in_both_languages(code: list[object], text: str) -> None:
    stored = json.loads(json.dumps(kept([code])))
    assert stored["text"] == text
    assert remarks(stored) == text
    with override("es"):
        assert remarks(stored) not in ("", text)
        assert kept([code])["text"] == text, "other programs read it in English"


def test_several_remarks_stand_beside_each_other_and_none_are_nothing() -> None:
    assert kept([]) == {"text": ""}
    assert remarks(kept([])) == ""
    assert remarks(kept([room.NEAR, lacking(3)])) == (
        "the limit lies within the value's uncertainty; 3 channels have no value"
    )


@pytest.mark.parametrize(
    "said", [[["of a later version"]], [["lacking", "three"]], [None], "near", [["far", 1, 2]], 7]
)
def test_what_only_another_version_knows_is_told_as_it_was_stored(said: object) -> None:
    assert remarks({"said": said, "text": "it hummed"}) == "it hummed"
    assert remarks({"text": "it hummed"}) == "it hummed"
    assert remarks({}) == ""
