"""Lists and the menu: what people typed stays text, and links lead there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import engines
from django.test import Client
from django.urls import reverse, set_script_prefix
from django.utils import timezone, translation

from mppcqa.database.counting import count_to
from mppcqa.inventory.models import Comment, Device, Institute, Shipment, Tag, Tray
from mppcqa.limits.models import SignOff
from mppcqa.queue.models import State, Task, TaskGroup
from mppcqa.runs.models import Run, Station
from mppcqa.web.addresses import address

HOSTILE = "<script>alert('x')</script>&"


def _drawn(text: str, **values: object) -> str:
    """A piece of a template with what all of them have."""
    begun = '{% import "web/layout/ui.html" as ui %}'
    return engines["jinja2"].from_string(begun + text).render(values)


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }}",
        "{{ badge(name) }}",
        "{{ badge('ok', name) }}",
        "{{ ui.empty(name) }}",
        "{{ ui.faults('No', [name]) }}",
        "{{ ui.select('a', 'b', name, [(1, name)], name) }}",
        "{% call ui.table([name, (name, 'c')]) %}{% endcall %}",
        "{% trans name=name %}Not %{{ name }}{% endtrans %}",
    ],
)
def test_what_people_typed_is_escaped_and_markup_of_ours_is_not(text: str) -> None:
    page = _drawn(text, name=HOSTILE)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&amp;lt;" not in page


def test_numbers_are_written_as_the_reader_does() -> None:
    with translation.override("es"):
        assert _drawn("{{ value }} {{ 12345 }}", value=2.25) == "2,25 12345"
    assert _drawn("{{ value }}", value=2.25) == "2.25"


def test_a_page_speaks_its_readers_language_whoever_asked_before() -> None:
    text = '{{ _("Devices") }}, {{ badge("pass") }}, {{ _("more than %(n)s", n=5) }}'
    for language, words in (("en", "Devices"), ("es", "Dispositivos"), ("en", "Devices")):
        with translation.override(language):
            assert _drawn(text).startswith(words)
            assert ("más de 5" if language == "es" else "more than 5") in _drawn(text)


def test_what_templates_call_is_given_what_they_say_and_no_context() -> None:
    jinja: Any = engines["jinja2"]
    for name, one in jinja.env.globals.items():
        assert not hasattr(one, "jinja_pass_arg"), name
    assert (
        _drawn(
            "{% macro a(b, c=1) %}{{ b }}{{ c }}{{ caller() }}{% endmacro %}"
            "{% call a(*[2], **{'c': 3}) %}<{{ 4 }}{% endcall %}"
        )
        == "23<4"
    )


@pytest.mark.django_db
def test_rows_are_counted_up_to_what_is_enough(campaign: SimpleNamespace) -> None:
    assert count_to(Device.objects.order_by("serial"), 2) == 2
    assert count_to(Device.objects.all(), 10_000) == Device.objects.count()
    assert count_to(Device.objects.none(), 10) == 0


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
        shipment = Shipment.objects.create(
            origin=here, destination=there, sent_by=operator, sent_at=timezone.now()
        )
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
