"""A measured value that somebody changed, took away or added is found, whatever the database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection

from mppcqa.exchange.fsck import check_store
from mppcqa.results.models import Analysis, Measurement, ValuesSeal
from mppcqa.results.seals import check_values, seal_old, unsealed

CHANGES = {
    "another value": "UPDATE results_measurement SET value = value * 1.0000001 WHERE {one}",
    "a smaller uncertainty": "UPDATE results_measurement SET systematic = 0.125 WHERE {one}",
    "one less": "DELETE FROM results_measurement WHERE {one}",
    "another device": "UPDATE results_measurement SET device_id = 9999 WHERE {one}",
}


@pytest.fixture
def analysis(campaign: SimpleNamespace) -> Analysis:
    return Analysis.objects.filter(values__gt=1).earliest("pk")


def test_values_as_they_were_written_hold(campaign: SimpleNamespace) -> None:
    assert ValuesSeal.objects.count() == Analysis.objects.filter(values__gt=0).count() > 0
    assert list(check_values()) == []
    assert unsealed() == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_past_the_program_is_found(analysis: Analysis, change: str) -> None:
    last = Measurement.objects.filter(analysis=analysis).order_by("-device", "-quantity").first()
    assert last is not None
    key = ("analysis_id", "device_id", "quantity_id", "channel", "condition_id")
    one = " AND ".join(f"{name} = {getattr(last, name)}" for name in key)
    with connection.cursor() as cursor:
        cursor.execute(CHANGES[change].format(one=one))
    ((number, _text),) = check_values()
    assert number == analysis.pk
    found = [one for one in check_store().left if one.kind == "values"]
    assert [one.row for one in found] == [f"results.Analysis {analysis.pk}"]


def test_values_of_an_older_version_are_sealed_as_they_are(analysis: Analysis) -> None:
    ValuesSeal.objects.filter(analysis=analysis).delete()
    assert unsealed() == [analysis.pk]
    assert [one.kind for one in check_store().left if one.kind == "unsealed"] == ["unsealed"]
    assert seal_old() == 1
    assert list(check_values()) == []
    assert unsealed() == []
