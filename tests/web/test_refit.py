"""A spectrum is fitted with other settings on its page, beside what counts, and nothing is kept."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.results.models import Analysis, Measurement
from mppcqa.runs.models import Run
from mppcqa.stages import get_stage
from mppcqa.views import cells, fitter
from mppcqa.web.explorer.spectrum import settings_of
from tests.explored import make_explored

USUAL = {
    "p-bins": "460",
    "p-spectrum_model": "full",
    **{
        f"p-free_{one}": "on"
        for one in (
            "afterpulses",
            "light_variance",
            "dark_pedestal_shift",
            "log_dark_rate_ratio",
            "burst_fraction",
        )
    },
}
PLACE = {"slot": "1", "channel": "3", "b": "72.4", "t": "25", "l": "1"}


@pytest.fixture
def run(operator: User, tmp_path: Path) -> Run:
    return make_explored(operator, tmp_path, devices=1)


def refit(client: Client, run: Run, **other: str) -> str:
    asked = {key: value for key, value in (PLACE | USUAL | other).items() if value}
    response = client.get(f"/runs/{run.pk}/cell/fit/", asked)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def rows(page: str) -> dict[str, list[str]]:
    """Title -> what counts now, what was tried, how far away."""
    found = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    cells = {title: re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for title, row in found}
    return {title: [one.strip() for one in row] for title, row in cells.items() if len(row) == 3}


def test_with_unchanged_settings_the_fit_is_the_one_that_counts(run: Run) -> None:
    """Each stored value of the channel at the point, to the last digits that are kept."""
    row, stage = cells.run_file_of(run), get_stage("stage2")
    analysis = Analysis.objects.get()
    with cells.open_run(row) as opened:
        point = next(
            one for one in cells.points_of(opened) if one.at["bias_v"] == 72.4 and "light" in one.at
        )
        settings = settings_of(stage, analysis)
        (found,) = fitter.fit_here(opened, row, (1, 3, point.number), [settings])
    stored = Measurement.objects.filter(channel=3).select_related("quantity", "condition")
    compared = 0
    for one in stored:
        told = found.values.get(one.quantity.key)
        at = one.condition.at
        if told is None or (at["bias_v"], at["temperature_c"]) != (
            point.at["bias_v"],
            point.at["temperature_c"],
        ):
            continue
        if one.bound:
            assert told[-1] == pytest.approx(one.value, rel=1e-6)
        else:
            assert told[0] == pytest.approx(one.value, rel=1e-6)
            assert told[1] == pytest.approx(one.statistical, rel=1e-5)
        compared += 1
    assert compared >= 5


def test_other_settings_stand_beside_what_counts(browser_client: Client, run: Run) -> None:
    same = rows(refit(browser_client, run))
    assert same["Gain"][0] == same["Gain"][1]
    assert same["Gain"][2] == "+0.00"
    page = refit(browser_client, run, **{"p-bins": "200", "p-charge_to_adc": "300"})
    other = rows(page)
    assert other["Gain"][0] == same["Gain"][0] != other["Gain"][1]
    assert "chart-residuals" in page
    # The way on carries the settings to where a run, a lot, a type are analysed again.
    ways = re.findall(r'href="(/reanalysis/[^"]*)"', page)
    assert [("runs=" in one, "type=" in one) for one in ways] == [(True, False), (False, True)]
    form = browser_client.get(ways[0]).content.decode()
    assert re.search(r'name="p-bins"[^>]*value="200"', form)
    assert "1 run file fits" in form
    held = refit(browser_client, run, **{"p-free_afterpulses": ""})
    assert "Afterpulses per avalanche" not in rows(held) or rows(held)["Afterpulses per avalanche"][
        1
    ] in ("–", "0")
    assert Analysis.objects.count() == 1


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"p-charge_from_adc": "100000"}, "fewer than 100 events"),
        ({"p-charge_from_adc": "300", "p-charge_to_adc": "200"}, "end (200 ADC) before they begin"),
        ({"p-bins": "9999"}, "1500"),
    ],
)
def test_settings_that_leave_nothing_to_fit_are_refused_with_the_reason(
    browser_client: Client, run: Run, other: dict[str, str], why: str
) -> None:
    assert why in refit(browser_client, run, **other)


def test_only_who_may_analyse_again_may_try(client: Client, run: Run) -> None:
    viewer = User.objects.create_user("vera")
    client.force_login(viewer)
    assert client.get(f"/runs/{run.pk}/cell/fit/", PLACE | USUAL).status_code == 403
    assert "Try before you keep" not in client.get(f"/runs/{run.pk}/cell/", PLACE).content.decode()
