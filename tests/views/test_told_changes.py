"""What happened to a thing, and who changed what of it, in words that a reader understands."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from django.utils.translation import override

from mppcqa.audit.models import Waiting
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.naming import rename_device
from mppcqa.inventory.placing import save_device
from mppcqa.runs.models import Station
from mppcqa.views.changes import LISTED, MOST, changes_of, last_change
from mppcqa.views.device import device_view
from mppcqa.views.history import device_history

ROW = 987_654
"""No row has this number: what is entered of it are the entries of a test alone."""
pytestmark = pytest.mark.django_db


def entry(before: object, after: object, **more: object) -> Waiting:
    """An entry as the database writes it."""
    options: dict[str, object] = {
        "table": "inventory_device",
        "row": str(ROW),
        "action": "U",
        "at": timezone.now(),
        "source": json.dumps({"name": "rosa", "why": "a test", "where": "POST /here"}),
        "before": before if isinstance(before, str) else json.dumps(before),
        "after": after if isinstance(after, str) else json.dumps(after),
    }
    return Waiting.objects.create(**{**options, **more})


def test_a_changed_key_is_told_by_what_it_leads_to() -> None:
    place = Institute.objects.create(name="Ljubljana")
    entry({"owner_id": 999_999}, {"owner_id": place.pk})
    (found,) = changes_of(Device, ROW)
    (line,) = found.lines
    assert (line.before, line.after) == ("#999999", "Ljubljana")
    assert line.title[:1].isupper()
    assert (found.text, found.who, found.why, found.where) == (
        "Changed", "rosa", "a test", "POST /here",
    )  # fmt: skip
    assert found.entry is None, "it waits for the seal"


def test_nothing_yes_no_and_long_or_hidden_values_have_words() -> None:
    long = "x" * (MOST + 50)
    boolean = next(
        one.column for one in Station._meta.concrete_fields if isinstance(one, models.BooleanField)
    )
    entry(
        {"name": "", boolean: "0", "notes": None, "secret": "***", "old": "a"},
        {"name": long, boolean: "1", "notes": "n", "secret": "***", "old": "b"},
        table="runs_station",
        source=None,
    )
    (found,) = changes_of(Station, ROW)
    told = {line.title: (line.before, line.after) for line in found.lines}
    assert told["Name"] == ("—", "x" * MOST + "…")
    assert ("no", "yes") in told.values()
    assert told["Secret"] == ("not shown", "not shown")
    assert told["Old"] == ("a", "b"), "a column that is there no more"
    assert (found.who, found.why) == ("outside the program", "")
    with override("es"):
        (found,) = changes_of(Station, ROW)
        assert ("no", "sí") in [(line.before, line.after) for line in found.lines]


@pytest.mark.parametrize("broken", ["{", "[1]", "", "null"])
def test_an_entry_that_cannot_be_read_is_told_without_its_lines(broken: str) -> None:
    entry(broken, broken, source=broken)
    (found,) = changes_of(Device, ROW)
    assert (found.lines, found.who) == ((), "the program")


def test_what_was_made_or_removed_has_no_lines() -> None:
    for action in ("I", "D", "?"):
        entry({}, {"serial": "GX-000"}, action=action)
    found = changes_of(Device, ROW)
    assert [one.text for one in found] == ["?", "Removed", "Made"]
    assert [one.lines for one in found] == [(), (), ()]


def test_the_latest_entries_come_first_and_never_too_many() -> None:
    for n in range(LISTED + 5):
        entry({"maker_serial": str(n)}, {"maker_serial": str(n + 1)})
    found = changes_of(Device, ROW)
    assert len(found) == LISTED
    assert [one.lines[0].after for one in found[:2]] == [str(LISTED + 5), str(LISTED + 4)]
    last = last_change(Device, ROW)
    assert last is not None
    assert last[0] == "rosa"
    assert changes_of(Device, ROW + 1) == []
    assert changes_of(Station, ROW) == []
    assert last_change(Device, ROW + 1) is None


@pytest.mark.django_db(transaction=True)
def test_a_change_made_by_an_action_is_told_as_it_was_made(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = Device.objects.get(serial="GX-001")
    device.maker_serial = "HPK-77"
    save_device(device, by=operator)
    lines = {line.title: line for one in changes_of(Device, device.pk) for line in one.lines}
    (line,) = (one for one in lines.values() if one.after == "HPK-77")
    assert line.before == "—"
    assert last_change(Device, device.pk) is not None


def test_the_history_of_a_device_has_what_happened_the_latest_first(
    campaign: SimpleNamespace, operator: User
) -> None:
    device = campaign.devices[0]
    rename_device(device, "GX-900", reason="a wrong label", by=operator)
    view = device_view("GX-900", viewer=None)
    assert view is not None
    events = device_history(view)
    kinds = [one.kind for one in events]
    assert {"registered", "run", "judged", "renamed"} <= set(kinds)
    assert [one.at for one in events] == sorted((one.at for one in events), reverse=True)
    by_kind = {one.kind: one for one in events}
    run = by_kind["run"]
    assert run.text == f"Run {campaign.run.pk}: PDE"
    assert (run.more, run.who, run.about) == (
        "pde-1, slot 1", "rosa", ("run", str(campaign.run.pk)),
    )  # fmt: skip
    assert by_kind["judged"].text.startswith("PDE: ")
    assert by_kind["registered"].who == "rosa"
    assert by_kind["renamed"].text == "Renamed; before: GX-000"
    assert by_kind["renamed"].more == "a wrong label"
    other = device_view("GX-001", viewer=None)
    assert other is not None
    assert "renamed" not in [one.kind for one in device_history(other)]
