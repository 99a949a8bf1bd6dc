"""Fixtures of pytest for packages; ``pytest_plugins = ["mppcqa.testing.fixtures"]`` loads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mppcqa.stages import Stage
from mppcqa.testing._station import SimulatedStation


@pytest.fixture
def simulated_station(tmp_path: Path) -> Callable[[Stage], SimulatedStation]:
    """Makes a station of a stage whose files go with the test: ``simulated_station(STAGE)``."""
    return lambda stage: SimulatedStation(stage, tmp_path)
