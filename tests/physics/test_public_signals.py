"""The examples in the docstrings of waveforms, IV curves, lines and stations run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "dark",
    "iv",
    "iv_curve",
    "iv_simulation",
    "operating",
    "pulses",
    "spread",
    "stations",
    "waveform_simulation",
    "waveforms",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_run(name: str) -> None:
    module = importlib.import_module(f"mppcqa.physics.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
