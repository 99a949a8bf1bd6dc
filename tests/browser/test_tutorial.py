"""All that the tutorial says is done by an installation of its own; each language thoroughly."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.thoroughness import tries

TOOL = Path(__file__).resolve().parents[2] / "tools" / "try_tutorial.py"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["en", "es"][: tries(1, 2)])
def test_the_tutorial_leads_to_a_certificate(language: str) -> None:
    if shutil.which("chromium") is None or finders.find("vendor/vega/vega.js") is None:
        pytest.skip("no Chromium or no front-end files here")
    command = [sys.executable, str(TOOL), "--language", language]
    done = subprocess.run(command, capture_output=True, text=True, timeout=880, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
