"""Makers' values beside ours over the campaign: by type and lot, and which devices stand out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from django.test import Client

from mppcqa.inventory.models import Device, DeviceType, Lot
from mppcqa.results.models import QuantityRow
from mppcqa.stages.conditions import Condition
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.views.makers_campaign import comparable, devices_of, groups_of, makers_quantity

pytestmark = pytest.mark.django_db


def series(key: str, title: str, unit: str, temperature_c: float = 25.0) -> Series:
    row, _made = QuantityRow.objects.get_or_create(
        stage="tray_survey", key=key, defaults={"title": title, "unit": unit}
    )
    at = Condition(temperature_c=temperature_c)
    return Series.objects.create(quantity=row, at=at, origin=0.0, width=1.0, n=1)


@pytest.fixture
def measured() -> Series:
    """Two lots of 30: ours lies 50 mV above the maker's in one, 200 mV below in the other; one
    device of the first is 3 V off; some have no value of one of the two."""
    rng = np.random.default_rng(7)
    kind = DeviceType.objects.create(name="S14", rows=1, columns=1)
    ours = series("breakdown_voltage_iv_v", "Breakdown voltage from IV at 25 °C", "V")
    for lot, shift in (("A", 0.05), ("B", -0.2)):
        made = Lot.objects.create(name=lot)
        for n in range(30):
            maker = 38.0 + rng.normal(0, 0.1)
            heading, number = ("Vbr [V]", maker) if n % 2 else ("Vbd (mV)", 1000 * maker)
            device = Device.objects.create(
                serial=f"{lot}-{n:02d}", device_type=kind, lot=made,
                maker_values={heading: number, "Wafer": "W7"},
            )  # fmt: skip
            value = maker + shift + rng.normal(0, 0.01) + (3.0 if (lot, n) == ("A", 4) else 0.0)
            DeviceSummary.objects.create(
                device=device, series=ours, n=1, mean=value, uncertainty=0.01, lowest=value,
                highest=value,
            )  # fmt: skip
    Device.objects.create(serial="ONLY-MAKER", device_type=kind, maker_values={"Vbr [V]": 38.0})
    only = Device.objects.create(serial="ONLY-OURS", device_type=kind)
    DeviceSummary.objects.create(device=only, series=ours, n=1, mean=38.0, lowest=38, highest=38)
    return ours


def test_lots_are_told_apart_and_a_device_that_stands_out(measured: Series) -> None:
    devices = devices_of(measured)
    assert len(devices) == 60
    first, second = sorted(groups_of(devices), key=lambda one: one.lot)
    assert (first.kind, first.lot, first.n) == ("S14", "A", 30)
    assert second.mean == pytest.approx(-0.2, abs=4 * 0.01 / math.sqrt(30))
    assert second.mean_error == pytest.approx(0.01 / math.sqrt(30), rel=0.5)
    assert second.scatter == pytest.approx(0.01, rel=0.5)
    assert [one.serial for one in first.far] == ["A-04"]
    assert first.far[0].difference == pytest.approx(3.05, abs=0.05)
    assert second.far == ()


def test_only_what_makers_give_is_compared(measured: Series) -> None:
    rate = series("dark_rate_hz", "Dark count rate", "Hz")
    current = series("dark_current_above_na", "Dark current 3 V above breakdown", "nA")
    for key, title in (("breakdown_coefficient_v_per_c", "Temperature coefficient of the "
                        "breakdown voltage"), ("gain", "Gain"),
                       ("breakdown_spread_v", "Breakdown voltage spread")):  # fmt: skip
        series(key, title, "V")
    assert comparable() == [measured, rate, current]
    assert makers_quantity(current) == "dark current"


def test_a_rate_of_the_whole_device_is_compared_with_the_sum(measured: Series) -> None:
    rate = series("dark_rate_hz", "Dark count rate", "Hz")
    kind = DeviceType.objects.create(name="S12045", rows=4, columns=4)
    for serial, n in (("WHOLE", 16), ("SOME", 15)):
        device = Device.objects.create(
            serial=serial, device_type=kind, maker_values={"dark rate [MHz]": 17.6}
        )
        DeviceSummary.objects.create(
            device=device, series=rate, n=n, mean=1.1e6, lowest=1e6, highest=1.2e6
        )
    (one,) = devices_of(rate)
    assert (one.serial, one.difference) == ("WHOLE", pytest.approx(0, abs=1))


def test_the_page_shows_it_in_both_languages(measured: Series, browser_client: Client) -> None:
    page = browser_client.get(f"/statistics/makers/?series={measured.pk}").content.decode()
    assert 'href="/devices/A-04/"' in page
    assert "B-00" not in page
    assert "ONLY" not in page
    browser_client.cookies.load({"django_language": "es"})
    page = browser_client.get("/statistics/makers/").content.decode()
    assert "Valores del fabricante" in page


def test_a_campaign_without_them_says_so(browser_client: Client) -> None:
    page = browser_client.get("/statistics/makers/").content.decode()
    assert "Nothing was measured that makers give values of." in page
