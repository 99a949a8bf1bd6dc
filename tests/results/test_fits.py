"""What fits say of themselves is kept, shown, chosen by and taken away."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.bundles.schema import FITS
from mppcqa.exchange.exports import write_list
from mppcqa.exchange.table_copy import read_table, write_rows
from mppcqa.results.fits import as_json, new_records, records_of, unpacked
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Analysis, FitRecords
from mppcqa.runs.models import RunFile
from mppcqa.stages import Condition, Fit, Result, get_stage

pytestmark = pytest.mark.django_db
AT = Condition(bias_v=71.6, temperature_c=20.0, light=1.0)
GOOD = {"chi2": 99.0, "ndf": 100, "p_value": 0.51}
POOR = {"chi2": 260.0, "ndf": 100, "p_value": 1.5e-16}


def fit(channel: int, **known: object) -> Fit:
    facts = {
        "slot": 1, "channel": channel, "condition": AT, "events": 8000.0, "left_out": 3.0, **GOOD,
        **known,
    }  # fmt: skip
    return Fit(**facts)  # type: ignore[arg-type]


FITS_MADE = [
    fit(0, free=("light that varies",), second_ways={"Light": (1.5, 0.01, 1.49, 0.02)}),
    fit(1, **POOR, free=("noise in bursts",), seen=("noise in bursts",)),
    fit(2, chi2=math.nan, ndf=0, p_value=math.nan, fault="fewer than 100 events", events=12.0),
]


@pytest.fixture
def stored(campaign: SimpleNamespace) -> Analysis:
    gain = Result(slot=1, channel=0, quantity="gain_adc", value=40, uncertainty=1, condition=AT)
    return store_analysis(
        get_stage("pde"), RunFile.objects.earliest("pk"), {1: campaign.devices[0].pk}, [gain],
        fits=FITS_MADE,
    )  # fmt: skip


def test_records_come_back_as_they_were(stored: Analysis, campaign: SimpleNamespace) -> None:
    row = FitRecords.objects.get(analysis=stored)
    assert (row.device_id, row.fits, row.withheld) == (campaign.devices[0].pk, 3, 1)
    assert (row.lowest_p, row.highest_chi2_ndf) == (1.5e-16, 2.6)
    first, second, third = records_of(row)
    assert (first.channel, first.at, first.chi2, first.ndf) == (0, AT, 99.0, 100)
    assert first.free == ("light that varies",)
    assert first.second_ways == {"Light": (1.5, 0.01, 1.49, 0.02)}
    assert second.seen == ("noise in bursts",)
    assert (third.fault, third.p_value, third.chi2) == ("fewer than 100 events", None, None)
    assert len(row.packed) < 100 * row.fits
    # What a program of tomorrow adds is left alone, and a bundle carries it all as it is.
    again = new_records(stored, row.device_id, [{**one, "new": 1} for one in unpacked(row)])
    assert records_of(again) == [first, second, third]
    from jsonschema import Draft202012Validator

    Draft202012Validator(FITS).validate({"a": as_json(FITS_MADE)})


def test_a_backup_keeps_them(stored: Analysis) -> None:
    rows = FitRecords.objects.filter(analysis=stored)
    before = unpacked(rows.get())
    batches = list(read_table(FitRecords))
    FitRecords.objects.all().delete()
    for batch in batches:
        write_rows(FitRecords, batch)
    assert unpacked(rows.get()) == before


def test_fits_are_found_by_their_quality(
    stored: Analysis, campaign: SimpleNamespace, admin_client: Client
) -> None:
    row = FitRecords.objects.get(analysis=stored)
    page = admin_client.get("/fits/?p_below=1e-6").content.decode()
    assert f"/fits/{row.pk}/" in page
    FitRecords.objects.update(lowest_p=0.2)
    page = admin_client.get("/fits/?p_below=0.05").content.decode()
    assert f"/fits/{row.pk}/" not in page
    page = admin_client.get("/fits/?withheld=1").content.decode()
    assert f"/fits/{row.pk}/" in page
    page = admin_client.get(f"/fits/{row.pk}/").content.decode()
    assert "fewer than 100 events" in page
    assert "99.0 / 100" in page
    assert "noise in bursts (seen)" in page
    page = admin_client.get(f"/fits/{row.pk}/?p_below=0.001").content.decode()
    assert "260.0 / 100" in page
    assert "99.0 / 100" not in page
    assert "1 fit is not shown" in page


@pytest.mark.parametrize("form", ["csv", "parquet", "root"])
def test_records_are_exported(stored: Analysis, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"fits.{form}"
    assert write_list("fits", form, path, {"q": "GX-000", "stage": "pde"}) == 3
    if form == "csv":
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert [one["fault"] for one in rows] == ["", "", "fewer than 100 events"]
        assert [one["chi2"] for one in rows][2] == ""
        assert {float(one["bias_v"]) for one in rows} == {71.6}
        assert rows[0]["second_ways"] == "Light: 1.5 ± 0.01, 1.49 ± 0.02"
