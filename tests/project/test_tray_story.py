"""The story of the measured trays tells what the program computes of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mppcqa.exchange.foreign.surveys import import_surveys

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def story() -> ModuleType:
    """The script that makes it."""
    path = ROOT / "tools" / "tray_story.py"
    spec = importlib.util.spec_from_file_location("tray_story", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


@pytest.mark.django_db
def test_its_numbers_are_those_of_the_trays(
    story: ModuleType, shared_data: Path, tmp_path: Path, settings: Any
) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0
    import_surveys("lfhcal", shared_data / "lfhcal_trays")
    text = story.TEXT.read_text(encoding="utf-8")
    numbers = story.numbers()
    assert story.written(text, numbers) == text, "make tray-story"
    assert {one["name"] for one in story.NUMBER.finditer(text)} == numbers.keys()
    assert story.written(text, numbers | {"devices": "2299"}) != text


def test_its_pictures_are_there_and_small(story: ModuleType) -> None:
    text = story.TEXT.read_text(encoding="utf-8")
    drawn = {path.name: path.stat().st_size for path in story.PICTURES.glob("*.png")}
    assert drawn
    assert all(f"(pictures/trays/{name})" in text for name in drawn)
    assert max(drawn.values()) <= 400_000
