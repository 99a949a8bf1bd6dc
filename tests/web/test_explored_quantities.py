"""Explorer and trends go over the values that are there, whatever else is known of them."""

from __future__ import annotations

import csv
import html
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Analysis, ConditionPoint, Measurement, QuantityRow
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Condition, Result, get_stage
from mppcqa.web.explorer import data as explorer_data

VOLTS = (71.0, 71.6, 72.2)


@pytest.fixture
def run(campaign: SimpleNamespace, operator: User) -> Run:
    """One device: one value has a method, the others none, and two are of no declared quantity."""
    stage = get_stage("pde")
    run = Run.objects.create(stage="pde", parameters=stage.clean({}), operator=operator)
    device = campaign.devices[0]
    RunSlot.objects.create(run=run, slot=1, device=device)
    file = RunFile(sha256=f"{run.pk:064x}", size=7, original_name="odd.root", run=run)
    file.file.save("explored-odd.root", ContentFile(b"content"), save=True)
    results = [
        Result(slot=1, channel=3, quantity="breakdown_voltage_v", value=70.1, uncertainty=0.02,
               condition=Condition(), method="from the gain")
    ] + [
        Result(slot=1, channel=3, quantity=quantity, value=0.1 + bias / 1000, uncertainty=0.002,
               condition=Condition(bias_v=bias, temperature_c=20.0, light=1.0))
        for quantity in ("pde", "gain_adc", "crosstalk_probability")
        for bias in VOLTS
    ]  # fmt: skip
    analysis = store_analysis(stage, file, {1: device.pk}, results)
    for key, lights in (("linearity", (0.5, 1.0, 2.0)), ("lone_number", (None,))):
        row = QuantityRow.objects.create(stage="pde", key=key, title=f"The {key}", unit="p.e.")
        for light in lights:
            point, _made = ConditionPoint.objects.get_or_create(at=Condition(light=light))
            Measurement.objects.create(
                device=device, analysis=analysis, quantity=row, channel=3, condition=point,
                value=4.5 * (light or 1), statistical=0.1,
            )  # fmt: skip
    QuantityRow.objects.create(stage="pde", key="never", title="The never measured")
    return run


WANTED = {"breakdown_voltage_v", "pde", "gain_adc", "crosstalk_probability", "linearity"}
WANTED.add("lone_number")


def offered(page: str) -> set[str]:
    """Quantities that a page lets one choose."""
    listed = re.search(r'<select[^>]*id="f-quantity".*?</select>', page, re.DOTALL)
    assert listed is not None
    return set(re.findall(r'<option value="(\w+)"', listed.group(0)))


def test_every_quantity_that_has_a_value_is_offered_and_shown(
    browser_client: Client, run: Run
) -> None:
    page = browser_client.get(f"/runs/{run.pk}/explore/").content.decode()
    assert offered(page) == WANTED
    for key in WANTED:
        grid = browser_client.get(f"/runs/{run.pk}/explore/?quantity={key}").content.decode()
        assert 'id="chart-grid"' in grid, key
    cell = browser_client.get(f"/runs/{run.pk}/explore/?slot=1&quantity=linearity")
    assert "The linearity" in cell.content.decode()


def test_trends_draw_whatever_was_changed(browser_client: Client, run: Run) -> None:
    page = html.unescape(browser_client.get(f"/runs/{run.pk}/trends/").content.decode())
    assert offered(page) == WANTED
    for title in (
        "Photon detection efficiency against bias",
        "Gain against bias",
        "Crosstalk probability against bias",
        "The linearity against light",
    ):
        assert title in page
    assert "against temperature" not in page  # one temperature alone
    # What was had without a condition stands as a number.
    for text in ("The lone_number", "4.50 ± 0.10 p.e.", "70.100 ± 0.020 V"):
        assert text in page
    assert "No measured values yet" not in page


def test_quantities_that_a_page_has_no_room_for_can_be_chosen(
    browser_client: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explorer_data, "MOST_CHARTS", 2)
    page = browser_client.get(f"/runs/{run.pk}/trends/").content.decode()
    assert page.count('class="chart"') == 2
    assert "2 further quantities are not drawn here" in page
    one = browser_client.get(f"/runs/{run.pk}/trends/?quantity=linearity").content.decode()
    assert "The linearity against light" in one
    assert one.count('class="chart"') == 1
    assert "further quantit" not in one


def test_values_of_other_devices_offer_nothing_here(
    browser_client: Client, run: Run, campaign: SimpleNamespace
) -> None:
    analysis = Analysis.objects.get(run_file__run=run)
    row = QuantityRow.objects.get(key="never")
    point = ConditionPoint.objects.first()
    Measurement.objects.create(
        device=campaign.devices[1], analysis=analysis, quantity=row, channel=0, condition=point,
        value=1.0, statistical=None,
    )  # fmt: skip
    assert "never" not in offered(browser_client.get(f"/runs/{run.pk}/explore/").content.decode())


def test_all_values_are_taken_away(browser_client: Client, run: Run) -> None:
    answer = browser_client.get(f"/runs/{run.pk}/take/?what=values&format=csv")
    lines = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))
    assert {line["quantity"] for line in lines} == WANTED
    assert len(lines) == Measurement.objects.filter(analysis__run_file__run=run).count()
    assert {line["method"] for line in lines} == {"", "from the gain"}
