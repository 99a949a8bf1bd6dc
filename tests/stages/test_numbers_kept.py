"""The same version of a stage gives the same numbers; other ones need another version.

What an analysis gave stays comparable with what it gives a year later: so numbers of each stage
on its demonstration, and of the fits below on cases of every kind and trouble, are held to what
they were. ``MPPCQA_RECORD=1 pytest tests/stages/test_numbers_kept.py`` writes the file
`numbers.json` anew, and refuses numbers of a stage that differ while its version does not.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.truth import analyse
from benchmarks.truth_cases import draw
from django.utils.translation import override

from mppcqa.stages import get_stage
from mppcqa.testing import SimulatedStation
from tests.kept import RECORD, Kept

KEPT = Kept(Path(__file__).with_name("numbers.json"))
STAGES = ("pde", "darkbox", "stage2", "iv")
SEED, CASES = 20261130, 120
DIGITS = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")
OF_SIGMA, RELATIVE = 0.02, 1e-6
"""What another computer's arithmetic may change: of the uncertainty, and of the number."""
Numbers = dict[str, list[float | None]]


def of_stage(key: str, folder: Path) -> dict[str, Any]:
    """Version, and each number with both its uncertainties by quantity, channel and condition."""
    stage: Any = get_stage(key)
    measured = SimulatedStation(stage, folder).measure(
        {"A-1": 2, "A-2": 2}, dict(stage.demonstration.parameters)
    )
    found = stage.analyse(measured.path, {})
    numbers: Numbers = {}
    for one in found.results:
        name = f"{one.quantity} {one.slot} {one.channel} {one.condition.text}"
        numbers[name] = _plain(one.value, one.uncertainty, one.systematic, float(one.bound or 0))
    problems = sorted(str(one) for one in found.problems)
    return {"version": stage.version, "numbers": numbers, "problems": problems}


def of_fits() -> dict[str, Any]:
    """Numbers of cases of every kind, and why there are none."""
    cases = [case for number in range(CASES) if (case := draw(SEED, number)) is not None]
    analyse(cases)
    numbers: Numbers = {}
    problems = []
    for case in cases:
        name = f"{case.number} {case.kind} {' + '.join(sorted(case.troubles))}"
        problems += [f"{name}: {case.fault}"] if case.fault else []
        for quantity, (value, error) in case.found.items():
            numbers[f"{name} {quantity}"] = _plain(value, error, None, 0.0)
    return {"numbers": numbers, "problems": problems}


def _plain(*numbers: float | None) -> list[float | None]:
    return [None if one is None or not np.isfinite(one) else float(f"{one:.9g}") for one in numbers]


def differing(new: Numbers, old: Numbers) -> list[str]:
    """Those that are elsewhere, or are more or less sure than they were."""
    assert sorted(new) == sorted(old)
    return [
        f"{name}: {old[name]} became {one}"
        for name, one in new.items()
        if not _alike(one, old[name])
    ]


def _alike(new: list[float | None], old: list[float | None]) -> bool:
    sigma = max((abs(one) for one in old[1:3] if one is not None), default=0.0)
    return len(new) == len(old) and all(
        (now is None) == (then is None)
        and (
            now is None
            or then is None
            or abs(now - then) <= OF_SIGMA * sigma + RELATIVE * abs(then)
        )
        for now, then in zip(new, old, strict=True)
    )


def hold(what: str, found: dict[str, Any]) -> None:
    """Compare with what was kept; of a stage other numbers are kept with another version alone."""
    before = KEPT.there.get(what, {})
    if RECORD and "version" in found and before.get("version") == found["version"]:
        other = before["numbers"].keys() != found["numbers"].keys()
        assert not other, f"{what} gives other numbers: it needs another version"
        assert differing(found["numbers"], before["numbers"]) == [], "it needs another version"
    before = KEPT.hold(what, found)
    assert found.get("version") == before.get("version")
    assert differing(found["numbers"], before["numbers"]) == []
    # Their words alone: a last digit is another computer's.
    words = [[DIGITS.sub("N", one) for one in some["problems"]] for some in (found, before)]
    assert words[0] == words[1]


@pytest.mark.parametrize("key", STAGES)
def test_a_version_of_a_stage_gives_the_same_numbers(key: str, tmp_path: Path) -> None:
    with override("en"):
        found = of_stage(key, tmp_path)
    assert len(found["numbers"]) > 10
    hold(key, found)


def test_fits_give_the_same_numbers() -> None:
    found = of_fits()
    assert len(found["numbers"]) > CASES
    hold("fits", found)
