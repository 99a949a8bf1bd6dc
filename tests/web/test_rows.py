"""Tables and the menu are made in Python: what people typed stays text, and links lead there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse, set_script_prefix
from django.utils import timezone

from mppcqa.inventory.models import Comment, Device, Institute, Shipment, Tag, Tray
from mppcqa.queue.models import State, Task, TaskGroup
from mppcqa.testing.models import Run, SignOff, Station
from mppcqa.web.rows import address, link, table_rows

HOSTILE = "<script>alert('x')</script>&"


def test_cells_are_escaped_and_markup_of_ours_is_not() -> None:
    rows = table_rows([("Name", "number"), (HOSTILE, "")], [[HOSTILE, link("/a?b=1&c", HOSTILE)]])
    assert "<script" not in rows
    assert '<td class="number" data-label="Name">&lt;script&gt;' in rows
    assert '<a href="/a?b=1&amp;c">&lt;script&gt;' in rows


def test_an_address_is_that_of_the_server_that_asks() -> None:
    assert address("device", "GX 1") == reverse("device", args=["GX 1"])
    set_script_prefix("/lab/")
    try:
        assert address("device", "GX 1").startswith("/lab/")
    finally:
        set_script_prefix("/")
    assert not address("device", "GX 1").startswith("/lab/")


@pytest.mark.django_db
def test_lists_show_names_as_text(
    campaign: SimpleNamespace, operator: User, browser_client: Client
) -> None:
    Station.objects.update(institute=Institute.objects.create(name=HOSTILE))
    Device.objects.update(location=Institute.objects.get(name=HOSTILE))
    group = TaskGroup.objects.create(title=HOSTILE, requested_by=operator)
    for state in (State.RUNNING, State.WAITING, State.KILLED):
        Task.objects.create(
            name=HOSTILE, state=state, lane=HOSTILE, group=group, started_at=timezone.now()
        )
    Run.objects.create(stage=HOSTILE, station=campaign.stations[0], task_group=group)
    for path in ("/", "/devices/", "/runs/", "/queue/", "/queue/?state=running", "/stations/"):
        page = browser_client.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert" in page, path


@pytest.mark.django_db
def test_a_device_with_everything_needs_no_query_for_each_of_its_parts(
    campaign: SimpleNamespace,
    operator: User,
    browser_client: Client,
    django_assert_max_num_queries: object,
) -> None:
    first, second = campaign.devices[:2]
    here, there = (Institute.objects.create(name=name) for name in ("Here", "There"))
    first.tray = Tray.objects.create(name="T-9", rows=2, columns=2)
    first.location, first.parent, first.registered_by = here, second, operator
    first.save()
    first.tags.add(Tag.objects.create(name="odd"))
    for n in range(5):
        shipment = Shipment.objects.create(origin=here, destination=there, sent_by=operator)
        shipment.devices.add(first)
        Comment.objects.create(device=first, text=f"note {n}", author=operator)
        SignOff.objects.create(device=first, signed_by=operator)
    with django_assert_max_num_queries(17):  # type: ignore[operator]
        page = browser_client.get(f"/devices/{first.serial}/").content.decode()
    for text in ("Here → There", "note 4", "odd", "T-9", second.serial, "on its way"):
        assert text in page, text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "title"),
    [("/", "Home"), ("/devices/", "Devices"), ("/devices/register/", "Register")],
)
def test_the_menu_marks_where_one_is(browser_client: Client, path: str, title: str) -> None:
    page = browser_client.get(path).content.decode()
    assert page.count('aria-current="page"') == 1
    assert title in page.split('aria-current="page"')[1].split("</a>")[0]


@pytest.mark.django_db
def test_the_menu_has_no_import_for_who_may_not(browser_client: Client) -> None:
    guest = Client()
    guest.force_login(User.objects.create_user("guest", password="only-looking-7"))
    address_of_import = f'href="{reverse("import_list")}"'
    assert address_of_import in browser_client.get("/catalogue/").content.decode()
    assert address_of_import not in guest.get("/catalogue/").content.decode()
