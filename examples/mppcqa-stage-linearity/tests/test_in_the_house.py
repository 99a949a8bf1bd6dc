"""The house shows the stage without a line of its own: demonstration, explorer, page, PDF."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from tests.workers import child_environment

from mppcqa.exchange.foreign.convert import meta_of
from mppcqa.exchange.foreign.files import ForeignRefused, import_foreign, imported_parts
from mppcqa.exchange.foreign.mappings import all_mappings, find_mapping
from mppcqa.exchange.mapping import find_quantity
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.reports.archive import reports_of
from mppcqa.results.models import Measurement
from mppcqa.runfile import RunWriter, check
from mppcqa.runfile.imported import write_parts
from mppcqa.runs.models import Run
from mppcqa.stages import get_stage
from mppcqa.tables.propose import propose


@pytest.mark.timeout(300)
def test_its_demonstration_ends_in_charts_and_a_report(transactional_db: None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "demo", "--arrays", "1", "--stage", "linearity"],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    device, run = Device.objects.get(), Run.objects.get()
    assert run.parameters["events"] == 400
    assert device.serial in done.stdout
    values = Measurement.objects.filter(device=device, quantity__key="pixels_answering")
    assert values.count() == 2 * 16

    person = get_user_model().objects.create_superuser("ana")
    client = Client()
    client.force_login(person)
    explorer = client.get(f"/runs/{run.pk}/trends/?quantity=response_pe").content.decode()
    assert "Response against light" in explorer
    assert "Wavelength" in explorer
    page = client.get(device.get_absolute_url()).content.decode()
    assert "Pixels that answer" in page

    report = reports_of(device).latest("pk")
    with report.file.open("rb") as file:
        document = pypdfium2.PdfDocument(file.read())
        text = "".join(sheet.get_textpage().get_text_bounded() for sheet in document)
    assert "Linearity" in text
    assert "Pixels that answer" in text
    assert "470" in text


def test_tables_find_a_quantity_by_the_names_that_it_declares() -> None:
    stage = get_stage("linearity")
    found = find_quantity("Active Pixels", stage)
    assert found is not None
    assert found.key == "pixels_answering"


def write_photons(path: Path, seed: int = 3) -> None:
    """Charges of four channels of 3600 pixels at two wavelengths, as another program writes."""
    rng = np.random.default_rng(seed)
    lines = ["gain_adc: 40", "photons,wavelength [nm],q0,q1,q2,q3"]
    for wavelength in (405, 635):
        for light in (0, 30, 300, 3000, 10000):
            fired = rng.binomial(3600, 1 - np.exp(-0.3 * light / 3600), (100, 4))
            charges = 100 + 40 * fired + rng.normal(0, 4, (100, 4))
            at = f"{light},{wavelength},"
            lines += [at + ",".join(f"{one:.2f}" for one in row) for row in charges]
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.django_db
def test_a_file_of_another_program_becomes_its_run(tmp_path: Path) -> None:
    """Each of 8 numbers of pixels lies within 5 sigma of the true one; the seed is fixed."""
    DeviceType.objects.create(name="four", rows=2, columns=2)
    (device,) = register_devices([{"serial": "F-1", "device_type": "four"}])
    path = tmp_path / "photons.csv"
    write_photons(path)
    found = propose(path, all_mappings())
    assert found.certain
    mapping = found.mapping
    assert mapping is not None
    assert mapping.stage == "linearity"
    with pytest.raises(ForeignRefused, match="bias_v, temperature_c is not known"):
        import_foreign([path], mapping, device)
    run = import_foreign([path], mapping, device, given={"bias_v": 54.0, "temperature_c": 21.0})
    assert run.stage == "linearity"

    parts = imported_parts(run)
    made = tmp_path / "made.root"
    with RunWriter(made, meta_of(run, parts)) as writer:
        write_parts(writer, parts, None)
    assert check(made) == []
    done = get_stage("linearity").analyse(made, {})
    assert done.problems == []
    pixels = [one for one in done.results if one.quantity == "pixels_answering"]
    assert {one.condition["wavelength_nm"] for one in pixels} == {405.0, 635.0}
    assert len(pixels) == 8
    assert all(abs(one.value - 3600) < 5 * one.uncertainty for one in pixels)


@pytest.mark.django_db
def test_the_page_asks_for_its_axis_and_makes_mappings_with_it(client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("ana"))
    page = client.get("/runs/import/").content.decode()
    assert 'name="wavelength_nm"' in page
    assert "Linearity: photons, wavelength" in page
    form = {"action": "mapping", "name": "ours", "format": "table", "kind": "charge"}
    form |= {"source-0": "q", "role-0": "charge", "stage": "linearity"}
    form |= {"source-1": "lambda", "role-1": "wavelength_nm", "unit-1": "um"}
    assert client.post("/runs/import/", form).status_code == 302
    mapping = find_mapping("ours")
    assert mapping.axes == {"wavelength_nm": "nm"}
    assert mapping.stage == "linearity"
    assert mapping.columns[1].conversion().factor == pytest.approx(1000)
