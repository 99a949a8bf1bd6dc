"""A partner's bundle comes in: what it brings, once, beside what was measured here."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from mppcqa.bundles.models import Bundle, CameFrom, PartnerVerdict
from mppcqa.bundles.refusal import BundleRefused
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


def test_a_device_that_was_renamed_is_the_same_whoever_renamed_it(tmp_path: Path) -> None:
    from mppcqa.inventory.naming import rename_device

    def rename_there(_shipment: object) -> None:
        rename_device(Device.objects.get(serial="GX-001"), "GX-001B", reason="label")

    came = sent(tmp_path, rename_there)
    came.trust()
    take(came.arrive())
    rename_device(Device.objects.get(serial="GX-000"), "GX-Z", reason="label")
    done = take(came.more.arrive())
    assert Device.objects.count() == 4
    assert done["counts"]["devices"] == {"same": 4, "renamed": 2}
    assert {one.serial: str(one.uuid) for one in Device.objects.all()} == {
        "GX-Z": came.uuids["GX-000"],
        "GX-001B": came.uuids["GX-001"],
        "GX-002": came.uuids["GX-002"],
        "GX-003": came.uuids["GX-003"],
    }
    # The earlier bundle, late: nothing is named back.
    with pytest.raises(BundleRefused):
        take(came.arrive())
    assert Device.objects.filter(serial="GX-001B").exists()


def test_what_comes_after_a_later_bundle_adds_and_changes_nothing_of_now(tmp_path: Path) -> None:
    from mppcqa.inventory.naming import rename_device

    def rename_there(_shipment: object) -> None:
        rename_device(Device.objects.get(serial="GX-001"), "GX-001B", reason="label")

    came = sent(tmp_path, rename_there)
    came.trust()
    take(came.more.arrive())
    done = take(came.arrive())
    assert done["late"]
    assert Device.objects.filter(serial="GX-001B").exists()
    assert Device.objects.count() == 4


def test_what_was_registered_and_measured_on_both_sides_stands_side_by_side(
    tmp_path: Path, operator: User
) -> None:
    from mppcqa.bundles.models import KnownAs
    from mppcqa.bundles.side_by_side import side_by_side
    from tests.campaign import make_campaign

    came = sent(tmp_path)
    campaign = make_campaign(operator)
    own = dict(Standing.objects.values_list("device", "analysis"))
    came.trust()
    done = take(came.arrive())
    assert done["counts"]["devices"] == {"same": 4}
    assert dict(Standing.objects.values_list("device", "analysis")) == own
    assert Analysis.objects.count() == 2
    assert {str(one.uuid) for one in KnownAs.objects.all()} == set(came.uuids.values())
    view = side_by_side(campaign.devices[0])
    assert [line.where for line in view.lines] == ["Santiago"]
    assert not view.lines[0].counts
    assert view.lines[0].here is not None
    assert view.lines[0].there is not None
    [table] = view.tables
    assert len(table.heads) == 2
    assert table.rows
    for name, (ours, theirs) in table.rows:
        assert ours == theirs, name
    assert check_summaries().differences == []


def test_a_device_that_was_sent_on_from_here_stays_where_it_is(
    tmp_path: Path, operator: User
) -> None:
    from mppcqa.inventory.models import Institute
    from mppcqa.inventory.receiving import receive
    from mppcqa.inventory.shipping import send

    def another_box(first: Shipment) -> None:
        """They have it back, as they believe, and send it once more."""
        receive(first, ["GX-000", "GX-001", "GX-002", "GX-003"])
        send(first.destination, first.origin, ["GX-000"], exempt="return")
        Bundle.objects.all().delete()

    came = sent(tmp_path, another_box)
    came.trust()
    take(came.arrive())
    box = Shipment.objects.get()
    receive(box, ["GX-000", "GX-001", "GX-002", "GX-003"], by=operator)
    orsay = Institute.objects.create(name="Orsay")
    on = send(box.destination, orsay, ["GX-000"], exempt="allowed", exempt_why="asked for")
    done = take(came.more.arrive())
    assert any("GX-000" in line for what, line in done["lines"] if what == "left_out")
    device = Device.objects.get(serial="GX-000")
    assert device.state == DeviceState.SHIPPED
    assert list(device.shipments.filter(received_at=None)) == [on]
