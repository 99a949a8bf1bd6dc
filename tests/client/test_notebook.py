"""The notebook of the documentation, run as Jupyter would, against the real web server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

from mppcqa.inventory.models import Device, Lot
from tests.client.test_client import server, token  # noqa: F401
from tests.station.bench import Web

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "examples" / "breakdown_by_lot.ipynb"


@pytest.mark.timeout(500)
def test_the_notebook_draws_the_breakdown_voltage_by_lot(
    server: Web,  # noqa: F811
    campaign: SimpleNamespace,
    token: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = Lot.objects.create(name="L2")
    Device.objects.filter(pk=campaign.devices[0].pk).update(lot=second)
    monkeypatch.setenv("MPPCQA_SERVER", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("MPPCQA_TOKEN", str(token))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=200, kernel_name="python3", resources=where).execute(
        env=dict(os.environ)
    )
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    medians = codes[-1].outputs[-1]["data"]["text/plain"]
    found = json.loads(medians.replace("'", '"'))
    assert set(found) == {"L1", "L2"}
    # Channel n of each device is at 70 V + n / 100.
    assert found["L1"] == pytest.approx(70.075)
    drawn = (tmp_path / "vbr-by-lot.svg").read_text()
    assert drawn.startswith("<svg")
    assert "Breakdown voltage (pde) [V]" in drawn
