"""A partner's bundle comes in: what it brings, once, beside what was measured here."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from mppcqa.bundles.envelope import BundleRefused
from mppcqa.bundles.models import Bundle, CameFrom, PartnerVerdict
from mppcqa.bundles.taking import look, take
from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.states import DeviceState
from mppcqa.limits.models import Verdict
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.statistics.check import check_summaries
from tests.bundles.elsewhere import sent

pytestmark = pytest.mark.django_db


def counted() -> dict[str, int]:
    """Rows of what a bundle may bring."""
    models = (Device, Shipment, Analysis, Measurement, Standing, Verdict, PartnerVerdict, CameFrom)
    return {one.__name__: one._default_manager.count() for one in models}


def test_what_comes_is_shown_first_and_then_here_with_its_origin(tmp_path: Path) -> None:
    came = sent(tmp_path)
    came.trust()
    row = came.arrive()
    nothing = counted()
    shown = look(row)
    assert counted() == nothing
    assert set(nothing.values()) == {0}
    done = take(row)
    for thing in ("devices", "shipments", "analyses", "values", "verdicts"):
        assert done["counts"][thing] == shown["counts"][thing], thing
    assert done["counts"]["devices"] == {"new": 4}
    assert done["counts"]["values"] == {"new": 4 * 16 * 10}
    devices = {one.serial: str(one.uuid) for one in Device.objects.all()}
    assert devices == came.uuids
    assert {one.state for one in Device.objects.all()} == {DeviceState.SHIPPED}
    analysis = Analysis.objects.get()
    origin = CameFrom.objects.get(kind="analysis", number=analysis.pk)
    assert origin.installation.name == "Santiago"
    assert analysis.run_file.original_name.startswith("run-")
    assert CameFrom.objects.get(kind="run").facts["operator"] == "ana"
    # Judged by our limits as well, and the sender's verdicts beside them.
    here = dict(Standing.objects.filter(analysis=analysis).values_list("device", "outcome"))
    there = PartnerVerdict.objects.filter(stands=True).values_list("device", "outcome")
    assert here == dict(there)
    assert len(here) == Verdict.objects.count() == 4
    assert PartnerVerdict.objects.first().limits["bands"]
    assert check_summaries().differences == []


def test_the_same_bundle_again_changes_nothing(tmp_path: Path) -> None:
    came = sent(tmp_path)
    came.trust()
    row = came.arrive()
    take(row)
    after = counted()
    again = came.arrive()
    assert again.pk == row.pk
    with pytest.raises(BundleRefused, match="was taken in on"):
        take(again)
    assert counted() == after
    assert Bundle.objects.count() == 1


def test_a_stop_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operator: User
) -> None:
    came = sent(tmp_path)
    came.trust()
    row = came.arrive()
    nothing = counted()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("mppcqa.bundles.taking.take_verdicts", full)
        with pytest.raises(OSError, match="No space"):
            take(row)
    assert counted() == nothing
    take(row, by=operator)
    assert Device.objects.count() == 4
