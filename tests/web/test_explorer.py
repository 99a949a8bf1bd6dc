"""The run explorer shows what the run file and its analysis hold, and gives it away."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import uproot
from django.contrib.auth.models import User
from django.test import Client
from pyarrow import parquet

from mppcqa.queue.models import Task
from mppcqa.results.models import Analysis, Measurement
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import check
from mppcqa.runs.models import Run, RunFile
from mppcqa.views.explore import grid, run_view
from mppcqa.web.explorer import views as explorer
from mppcqa.web.runs import views as runs
from tests.campaign import make_campaign
from tests.explored import make_explored
from tests.web.valuelinks import unled_values

CELL = "slot=1&channel=3&b=72.4&t=25&l=1"


@pytest.fixture
def run(operator: User, tmp_path: Path) -> Run:
    return make_explored(operator, tmp_path)


def body(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def content(client: Client, address: str) -> bytes:
    response = client.get(address)
    assert response.status_code == 200, address
    assert "attachment" in response.headers["Content-Disposition"]
    return b"".join(response.streaming_content)


def test_every_view_of_a_run(browser_client: Client, run: Run) -> None:
    grid = body(browser_client, f"/runs/{run.pk}/explore/?quantity=pde")
    assert f"/runs/{run.pk}/explore/?quantity=pde" in grid
    one = body(browser_client, f"/runs/{run.pk}/explore/?quantity=gain_adc&slot=1")
    assert f"/runs/{run.pk}/cell/?slot=1\\u0026channel=0" in one
    trends = body(browser_client, f"/runs/{run.pk}/trends/?slot=1&channel=2")
    for title in ("Gain against bias", "Breakdown voltage against temperature", "mV/°C"):
        assert title in trends
    assert "box temperature" in body(browser_client, f"/runs/{run.pk}/monitor/")
    cell = body(browser_client, f"/runs/{run.pk}/cell/?{CELL}")
    for word in ("Charge spectrum with its fit", "χ²/ndf", "72.4 V, 25 °C, light 1"):
        assert word in cell
    waveforms = body(browser_client, f"/runs/{run.pk}/cell/waveforms/?{CELL}&n=11")
    assert "Waveform 12 of 12" in waveforms
    assert "persistence" in waveforms
    currents = body(browser_client, f"/runs/{run.pk}/cell/iv/?{CELL}")
    assert "Forward" in currents
    assert "Reverse" in currents


def test_the_dark_half_of_a_pair_shows_the_values_of_its_one_fit(
    browser_client: Client, run: Run
) -> None:
    """They stood at the lit point alone; at the dark one the fit seemed to give nothing."""

    def values(light: int) -> dict[str, str]:
        page = body(browser_client, f"/runs/{run.pk}/cell/?{CELL[:-1]}{light}")
        part = page.partition("Values of the analysis</h3>")[2].partition("</dl>")[0]
        found = re.findall(r"<dt>(.+?)</dt>\s*<dd[^>]*>\s*(.+?)\s*</dd>", part, re.DOTALL)
        return {title: " ".join(told.split()) for title, told in found}

    lit, dark = values(1), values(0)
    assert "Gain" in lit
    assert lit == dark


def test_a_devices_page_shows_what_holds_at_the_chosen_condition(
    browser_client: Client, run: Run
) -> None:
    """Gain at a bias with light, dark rate in the dark, breakdown voltage of the temperature."""
    page = body(browser_client, "/devices/Q-0/")
    table = page[page.index("Values by channel") :]
    for title in ("Gain", "Dark count rate of a channel", "Breakdown voltage", "Afterpulse"):
        assert title in table


def test_numbers_of_the_grid_are_those_of_the_analysis(browser_client: Client, run: Run) -> None:
    text = content(browser_client, f"/runs/{run.pk}/take/?what=values&format=csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == Measurement.objects.filter(analysis__run_file__run=run).count()
    table = parquet.read_table(
        io.BytesIO(content(browser_client, f"/runs/{run.pk}/take/?what=values&format=parquet"))
    )
    assert table.num_rows == len(rows)
    wanted = {row["quantity"]: float(row["value"]) for row in rows if row["serial"] == "Q-0"}
    mine = Measurement.objects.filter(quantity__key="breakdown_coefficient_v_per_c")
    assert any(
        np.isclose(one.value, wanted["breakdown_coefficient_v_per_c"], rtol=1e-9) for one in mine
    )


def test_a_selection_of_events_goes_out_as_it_came_in(
    browser_client: Client, run: Run, tmp_path: Path
) -> None:
    address = f"/runs/{run.pk}/take/?what=events&slot=2&point=1&format="
    with OpenRunFile(Path(RunFile.objects.get(run=run).file.path)) as opened:
        expected = opened.charges(1, 2)
    path = tmp_path / "part.root"
    path.write_bytes(content(browser_client, address + "root"))
    assert check(path) == []
    with OpenRunFile(path) as part:
        np.testing.assert_array_equal(part.charges(1, 2), expected)
        assert [row["slot"] for row in part.slots] == [2]
        assert len(part.iv_curves(2)) == 16
    table = parquet.read_table(io.BytesIO(content(browser_client, address + "parquet")))
    np.testing.assert_array_equal(table["charge_3"].to_numpy(), expected[:, 3])
    lines = content(browser_client, address + "csv").decode().splitlines()
    assert len(lines) == 1 + len(expected)


def test_a_quick_look_holds_spectra_and_fits(
    browser_client: Client, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "look.root"
    address = f"/runs/{run.pk}/take/?what=quicklook&format=root&slot=1&point=7"
    path.write_bytes(content(browser_client, address))
    with uproot.open(path) as file:
        spectrum = file["charge/point-7/slot-1/ch-02"]
        assert spectrum.values().sum() == 1500
        x, y = file["charge/point-7/slot-1/ch-02_fit"].values()
        width = spectrum.axis().edges()[1] - spectrum.axis().edges()[0]
        # The curve's area is that of the spectrum.
        assert np.isclose(y.sum() * (x[1] - x[0]) / width, 1500, rtol=0.02)


def test_two_runs_and_two_analyses_are_compared(
    browser_client: Client, run: Run, operator: User
) -> None:
    first = Analysis.objects.get(run_file__run=run)
    assert "No other run" in body(browser_client, f"/runs/{run.pk}/compare/")
    from mppcqa.results.ingest import store_analysis
    from mppcqa.stages import get_stage

    stage = get_stage("stage2")
    found = stage.analyse(Path(first.run_file.file.path), {})
    ids = {slot.slot: slot.device_id for slot in run.slots.all()}
    second = store_analysis(stage, first.run_file, ids, found.results)
    page = body(browser_client, f"/runs/{run.pk}/compare/?with_analysis={first.pk}")
    assert "root mean square of the changes: 0.00" in page
    # The same events: a change has no uncertainty of its own.
    assert f"Analysis {second.pk}</th>" in page
    assert (
        "± " not in page.split("<tbody>")[1].split('data-label="Difference"')[1].split("</td>")[0]
    )
    old = body(browser_client, f"/runs/{run.pk}/explore/?analysis={first.pk}")
    assert f"Analysis {first.pk} is shown" in old
    assert second.counts


def test_a_run_without_a_readable_file_says_so(
    browser_client: Client, operator: User, run: Run
) -> None:
    other = make_campaign(operator).run  # its file holds seven bytes of nothing
    for view in ("explore", "trends", "compare"):
        body(browser_client, f"/runs/{other.pk}/{view}/")
    for view in ("monitor/", f"cell/?{CELL}"):
        assert "alert-danger" in body(browser_client, f"/runs/{other.pk}/{view}")
    response = browser_client.get(f"/runs/{other.pk}/take/?what=events&format=root", follow=True)
    assert "can't be" in html.unescape(response.content.decode())
    # What stands in no address's reach changes nothing: odd numbers fall back.
    for odd in ("slot=99&channel=-4&point=x", "slot=&channel=1e9&b=nan", "n=999&t=abc"):
        body(browser_client, f"/runs/{run.pk}/cell/?{odd}")
    assert browser_client.get("/runs/999999/cell/").status_code == 404


def test_devices_share_the_columns_of_what_was_set(run: Run) -> None:
    """At one bias their overvoltages differ, which must not tear the grid apart."""
    table = grid(run_view(run), "gain_adc")
    set_ = [
        tuple(one.at.get(axis) for axis in ("temperature_c", "light", "bias_v"))
        for one in table.columns
    ]
    assert len(set(set_)) == len(set_)
    assert {bias for _t, _l, bias in set_} == {71.8, 72.4}
    assert set(table.values) == {
        (row, column) for row in range(2) for column in range(len(table.columns))
    }


def test_a_run_is_analysed_again_with_other_settings(browser_client: Client, run: Run) -> None:
    """The form is what the stage declares; what it refuses begins nothing."""
    address = f"/reanalysis/?stage=stage2&runs={run.pk}"
    page = body(browser_client, address)
    assert 'name="p-bias_from_v"' in page
    assert 'name="p-iv_method"' in page
    asked = {"stage": "stage2", "runs": run.pk, "p-bias_from_v": "72", "p-iv_method": "guess"}
    asked |= {"p-bins": "400", "p-spectrum_model": "full"}
    assert "guess" in browser_client.post("/reanalysis/", asked).content.decode()
    assert not Task.objects.filter(name="results.reanalyse").exists()
    done = browser_client.post("/reanalysis/", asked | {"p-iv_method": "second_derivative"})
    assert done.status_code == 302, done.content.decode()
    task = Task.objects.get(name="results.reanalyse")
    wanted = {
        "bias_from_v": 72.0,
        "bias_to_v": None,
        "iv_method": "second_derivative",
        "waveforms": False,
        "bins": 400,
        "free_afterpulses": False,
    }
    kept = task.arguments["settings"]
    assert {key: kept.get(key) for key in wanted} == wanted


def test_a_run_of_many_devices_is_shown_some_at_a_time(
    browser_client: Client, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(operator)
    run = Run.objects.filter(slots__device=campaign.devices[0]).order_by("pk")[0]
    serials = [slot.device.serial for slot in run.slots.order_by("slot")]
    monkeypatch.setattr(runs, "SLOTS", 3)
    monkeypatch.setattr(explorer, "SHOWN", 3)
    for page in ("", "explore/"):
        seen, address = [], f"/runs/{run.pk}/{page}"
        for _page in range(len(serials)):
            text = body(browser_client, address)
            seen.append([one for one in serials if one in text])
            onward = re.search(r'rel="next" href="([^"]+)"', text)
            if onward is None:
                break
            address = f"/runs/{run.pk}/{page}{html.unescape(onward[1])}"
        assert seen == [serials[:3], serials[3:]], page
        assert 'rel="prev"' in text
    # Values of a table have no events behind them.
    files = ("Analyse again", "Spectra and fits")
    assert [one in text for one in files] == [True, True]
    RunFile.objects.filter(run=run).update(kind=RunFile.Kind.IMPORT)
    text = body(browser_client, address)
    assert [one in text for one in files] == [False, False]
    # A device that is asked for is shown, and what is taken away is everything.
    assert serials[3] in body(browser_client, f"/runs/{run.pk}/explore/?slot=4")
    taken = content(browser_client, f"/runs/{run.pk}/take/?what=values&format=csv").decode()
    assert {one["serial"] for one in csv.DictReader(io.StringIO(taken))} == set(serials)


def test_every_value_of_a_device_leads_to_the_page_that_shows_it(
    browser_client: Client, run: Run
) -> None:
    serial = run.devices.earliest("pk").serial
    page = body(browser_client, f"/devices/{serial}/")
    assert not unled_values(page)
    table = page.rpartition("Values by channel</caption>")[2].partition("</table>")[0]
    cells = re.findall(r'<a class="value" href="([^"]+)">([^<]+)</a>', table)
    assert len(cells) > 20
    for address, text in cells[::5]:
        shown = body(browser_client, html.unescape(address))
        assert f"/runs/{run.pk}/cell/" in address
        assert html.unescape(text) in html.unescape(shown), address
        assert "Where it comes from" in shown
        assert run.files.get().get_absolute_url() in shown
    means = page.partition("Mean over the channels at</caption>")[2].partition("</table>")[0]
    (address, _text), *_more = re.findall(r'<a class="value" href="([^"]+)">([^<]+)</a>', means)
    assert "the channel’s spectrum" in body(browser_client, html.unescape(address))


def test_points_and_cells_of_a_device_lead_on(browser_client: Client, run: Run) -> None:
    page = body(browser_client, f"/devices/{run.devices.earliest('pk').serial}/")
    specs = re.findall(r'<script id="chart-[^"]+" type="application/json">(.+?)</script>', page)
    rows = [json.loads(one)["datasets"] for one in specs]
    points = [row for data in rows for row in data.get("points", []) + data.get("cells", [])]
    assert len(points) > 20
    assert all(row["href"].startswith(f"/runs/{run.pk}/cell/?slot=") for row in points)


def test_what_was_had_from_another_analysis_stays_with_it(browser_client: Client, run: Run) -> None:
    made = Analysis.objects.get(run_file__run=run)
    Analysis.objects.filter(pk=made.pk).update(counts=False)
    page = f"/runs/{run.pk}/explore/?quantity=gain_adc&slot=1&analysis={made.pk}"
    assert f"analysis={made.pk}\\u0026" in body(browser_client, page)
