"""The maker's values beside ours, over all devices of a type and lot."""

from __future__ import annotations

import math
import statistics
from types import SimpleNamespace

import pytest

from mppcqa.inventory.models import Device, Lot
from mppcqa.results.models import QuantityRow
from mppcqa.stages import Condition
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.views.makers import said_of
from mppcqa.views.makers_campaign import (
    OfDevice,
    comparable,
    devices_of,
    groups_of,
    makers_quantity,
)


def compared(differences: list[float], lot: str = "L1", kind: str = "T") -> list[OfDevice]:
    return [OfDevice(f"{lot}-{n}", (kind, lot), 70.0, 70.0 + d) for n, d in enumerate(differences)]


def series(key: str, title: str, unit: str, values: dict[Device, tuple[float, int]]) -> Series:
    row = QuantityRow.objects.create(stage="darkbox", key=key, title=title, unit=unit)
    made = Series.objects.create(
        quantity=row, at=Condition(), origin=0.0, width=1.0, n=sum(n for _v, n in values.values())
    )
    DeviceSummary.objects.bulk_create(
        DeviceSummary(device=device, series=made, n=n, mean=value, lowest=value, highest=value)
        for device, (value, n) in values.items()
    )
    return made


def test_a_group_has_mean_error_and_scatter_of_its_differences() -> None:
    differences = [0.1, 0.3, -0.2, 0.25]
    (found,) = groups_of(compared(differences))
    assert (found.kind, found.lot, found.n) == ("T", "L1", 4)
    assert found.mean == pytest.approx(statistics.fmean(differences))
    assert found.scatter == pytest.approx(statistics.stdev(differences))
    assert found.mean_error == pytest.approx(statistics.stdev(differences) / 2)
    assert found.far == ()


def test_one_device_has_a_difference_without_scatter_or_error() -> None:
    (found,) = groups_of(compared([0.4]))
    assert found.mean == pytest.approx(0.4)
    assert math.isnan(found.scatter)
    assert math.isnan(found.mean_error)


def test_groups_stand_by_type_and_then_by_how_far_their_mean_is_off() -> None:
    devices = [
        *compared([0.1, 0.2], "L1"), *compared([-0.9, -0.8], "L2"), *compared([0.5], "L3"),
        *compared([5.0], "L0", "U"),
    ]  # fmt: skip
    assert [(one.kind, one.lot) for one in groups_of(devices)] == [
        ("T", "L2"), ("T", "L3"), ("T", "L1"), ("U", "L0")
    ]  # fmt: skip


def test_devices_far_from_the_others_are_named_whichever_side_they_are_on() -> None:
    near = [0.01 * (n % 5 - 2) for n in range(20)]
    (found,) = groups_of(compared([*near, 1.0, -3.0]))
    assert [one.serial for one in found.far] == ["L1-21", "L1-20"]
    # The scatter is 0.0148 by the median absolute deviation: five of those are 0.074.
    (inside,) = groups_of(compared([*near, 0.07]))
    assert inside.far == ()
    (outside,) = groups_of(compared([*near, 0.08]))
    assert [one.serial for one in outside.far] == ["L1-20"]
    (alike,) = groups_of(compared([0.0, 0.0, 0.0, 9.0]))
    assert alike.far == (), "without a scatter nothing is far"


def test_ours_is_told_in_the_makers_unit(campaign: SimpleNamespace) -> None:
    one, other = campaign.devices[:2]
    Device.objects.filter(pk=one.pk).update(maker_values={"Vbr (V)": 70.0})
    found = series("vbr", "Breakdown voltage", "mV", {one: (70_100.0, 16), other: (70_000.0, 16)})
    (compared,) = devices_of(found)
    assert compared.serial == one.serial
    assert compared.group == ("S12045(X)", "L1")
    assert (compared.maker, compared.ours) == (70.0, pytest.approx(70.1))
    assert compared.difference == pytest.approx(0.1)


def test_a_rate_of_the_whole_is_held_against_the_sum_of_all_channels_or_nothing(
    campaign: SimpleNamespace,
) -> None:
    whole, some, channels = campaign.devices[:3]
    rows = Device.objects.filter(pk__in=(whole.pk, some.pk))
    rows.update(maker_values={"DCR (MHz)": 16.0}, lot=Lot.objects.create(name="L9"))
    Device.objects.filter(pk=channels.pk).update(
        maker_values={"DCR ch1 (MHz)": 0.9, "DCR ch2 (MHz)": 1.1}
    )
    values = {whole: (1.1e6, 16), some: (1.1e6, 15), channels: (1.3e6, 2)}
    found = {one.serial: one for one in devices_of(series("dcr", "Dark rate", "Hz", values))}
    assert set(found) == {whole.serial, channels.serial}
    assert (found[whole.serial].maker, found[whole.serial].ours) == (16e6, pytest.approx(17.6e6))
    assert found[channels.serial].maker == pytest.approx(1.0e6)
    assert found[channels.serial].ours == pytest.approx(1.3e6)
    assert found[whole.serial].group[1] == "L9"


@pytest.mark.parametrize(
    ("title", "unit", "quantity"),
    [
        ("Breakdown voltage", "V", "breakdown voltage"),
        ("Breakdown voltage by IV", "mV", "breakdown voltage"),
        ("Dark count rate", "Hz", "dark rate"),
        ("Dark current", "nA", "dark current"),
        ("Dark rate per area", "Hz", ""),
        ("Breakdown voltage spread", "V", ""),
        ("Breakdown voltage, temperature coefficient", "mV", ""),
        ("Dark rate", "V", ""),
        ("Gain", "ADC", ""),
    ],
)
def test_quantities_are_compared_where_title_and_unit_are_the_makers(
    db: None, title: str, unit: str, quantity: str
) -> None:
    row = QuantityRow(stage="darkbox", key="k", title=title, unit=unit)
    assert makers_quantity(Series(quantity=row)) == quantity


def test_series_without_values_are_not_offered(campaign: SimpleNamespace) -> None:
    there = comparable()
    assert {one.quantity.key for one in there} == {"breakdown_voltage_v"}
    assert [one.pk for one in there] == sorted(one.pk for one in there)
    Series.objects.update(n=0)
    assert comparable() == []


def test_what_a_maker_says_of_channels_goes_before_what_is_said_of_the_whole() -> None:
    found = said_of({"Vbr (V)": 71.0, "Vbr ch1 (V)": 70.0, "Vbr ch2 (V)": 70.5, "remark": "ok"})
    (said,) = found.values()
    assert (said.value, said.unit, said.whole) == (70.25, "V", False)
    assert said_of({"Vbr (V)": 71.0})["breakdown voltage"].whole is False
    assert said_of({}) == {}
