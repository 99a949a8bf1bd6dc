"""An export of many values comes out of the copy, and is what the database says all the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from django.contrib.auth.models import User

from mppcqa.columnar import files
from mppcqa.columnar.keeping import follow
from mppcqa.exchange import values_out
from mppcqa.inventory.models import Device, Institute
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.results.models import Analysis, Measurement
from tests.campaign import measured_run

pytestmark = pytest.mark.django_db


def exported(filters: dict[str, str] | None = None, viewer: Any = None, **how: bool) -> pa.Table:
    found = pa.Table.from_batches(
        values_out.value_batches(filters or {}, viewer, **how), values_out.value_schema()
    )
    return pa.table({name: found[name].to_pylist() for name in found.column_names})


def test_what_the_copy_gives_is_what_the_database_says(
    campaign: SimpleNamespace, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values_out, "MANY_VALUES", 0)  # else it is asked of large exports alone
    monkeypatch.setattr(values_out, "BATCH_ROWS", 77)
    bare = exported()  # there is no copy
    assert len(bare) == Measurement.objects.count()
    follow()
    read = {"rows": 0}
    blocks = values_out.value_blocks

    def counted(*given: Any, **named: Any) -> Any:
        for block in blocks(*given, **named):
            read["rows"] += len(block)
            yield block

    monkeypatch.setattr(values_out, "value_blocks", counted)
    assert exported().equals(bare)
    assert read["rows"] == 0, "the database was read"
    for narrowed in ({"quantity": "pde"}, {"q": "GX-002"}, {"stage": "pde", "outcome": "pass"}):
        assert exported(narrowed).equals(exported(narrowed, copied=False))
    ours = Institute.objects.create(name="Ours")
    Device.objects.filter(serial="GX-001").update(owner=ours)
    partner = invite("pat", ROLES["partner"], institute=ours, by=None)
    partner = User.objects.get(pk=partner.pk)
    assert set(exported(viewer=partner)["serial"].to_pylist()) == {"GX-001"}
    # What came since is read from the database, and stands in the same order.
    measured_run(campaign.stations[0], campaign.devices[3:], operator)
    monkeypatch.setattr(values_out, "LEFT_PART", 0.5)
    read["rows"] = 0
    newer = exported()
    assert 0 < read["rows"] < len(newer) == len(bare)
    assert newer.equals(exported(copied=False))
    assert not newer.equals(bare)
    # A copy of another database, whose analyses have the same numbers, is left alone.
    for analysis in Analysis.objects.all():
        mark = f"{analysis.pk:012x}"
        Analysis.objects.filter(pk=analysis.pk).update(uuid=f"00000000-0000-4000-8000-{mark}")
    assert files.read_analyses(files.read_layout())
    assert exported()["value"].equals(newer["value"])
