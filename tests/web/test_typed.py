"""Whatever stands in a form or an address, there is an answer in words: never a server error."""

from __future__ import annotations

import html
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from hypothesis import given
from hypothesis import strategies as st

import mppcqa.web
from mppcqa import typed
from mppcqa.exchange import imports
from mppcqa.exchange.models import Kind, SavedMapping
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Attachment, DeviceType, Institute, Shipment, Tag
from mppcqa.inventory.shipping import send
from mppcqa.limits.models import Verdict
from mppcqa.queue.models import TaskGroup, Worker
from mppcqa.runs.models import Station
from mppcqa.signing.models import Act
from mppcqa.signing.pen import sign
from tests.pens import pen_of
from tests.thoroughness import THOROUGH, tries
from tests.web.formfields import PageForm, forms_of, opened
from tests.web.test_pages import addresses

HOSTILE = (
    *("²", "١٢", "１２", "NaN", "-Infinity", "1e999", "9" * 4000, "9" * 19, "-1", "1_000"),
    *("[" * 30_000, "[" * 3000 + "]" * 3000, '{"a": NaN}', '{"a": 1e999}', '"\\ud800"', "{}"),
    *(f'{{"a": {"9" * 400}}}', '{"\\u0000": "\\u0000"}', '["x"]', "null", "\0", "a\0b", "x" * 5000),
    *("\U0001f4a9" * 400, "\u202e\ufeff", "../../etc/passwd", "%s %(n)d {0}", "'; \" --", "  "),
    *(
        "2026-02-31",
        "9999-12-31",
        "0001-01-01",
        "99999-01-01",
        "(" * 200,
        "a,b;c\td",
        "\ud7ff\uffff",
    ),
)
SHARES = 4
"""Of the addresses, each a test of its own."""
TRIED = range(SHARES) if THOROUGH else range(bool(os.environ.get("MPPCQA_DATABASE")), SHARES, 2)
"""Half of them on SQLite and the others on a server, where not all are tried on both."""
SEED = 14
LEFT = {"/logout/", "/language/"}
"""Buttons of every page; tested once."""


def all_patterns() -> list[URLPattern]:
    """Addresses of all areas; those of programs have bodies of their own (`tests/api`)."""
    found, parts = [], [get_resolver()]
    while parts:
        for one in parts.pop().url_patterns:
            if str(one.pattern).startswith("api/"):
                continue
            (found if isinstance(one, URLPattern) else parts).append(one)
    return found


@pytest.fixture
def world(campaign: SimpleNamespace, loaded: Station, operator: User) -> dict[str, Any]:
    """See `one_of_everything`."""
    return one_of_everything(campaign, loaded, operator)


def one_of_everything(campaign: SimpleNamespace, loaded: Station, operator: User) -> dict[str, Any]:
    """One of everything that an address may name, and its addresses."""
    other = Institute.objects.create(name="elsewhere")
    here = campaign.devices[1].location or Institute.objects.earliest("pk")
    rows = [{"serial": "BOX-1", "device_type": DeviceType.objects.earliest("pk").name}]
    sent = register_devices([{**rows[0], "location": here.name}], by=operator)
    send(here, other, [sent[0].serial], by=pen_of())
    table = imports.take_in(
        [b"serial,type\nNEW-1,S12045(X)\n"], "t.csv", kind=Kind.DEVICES, by=operator
    )
    attachment = Attachment.objects.create(
        device=campaign.devices[0], file="attachments/gone.txt", original_name="gone.txt"
    )
    saved = SavedMapping.objects.create(
        name="usual", kind=Kind.DEVICES, content={"kind": "devices", "columns": {}}
    )
    pages = addresses(campaign)
    return {
        "pages": [
            *pages.values(),
            f"/imports/{table.pk}/",
            f"/shipments/{Shipment.objects.earliest('pk').pk}/",
            f"/schedules/{_schedule()}/",
            *(f"/catalogue/{kind}/{pk}/" for kind, pk in _entries()),
        ],
        "kind": "trays",
        "serial": campaign.devices[0].serial,
        "name": loaded.name,
        "stage": "pde",
        "keys": {
            "attachment": attachment.pk,
            "import": table.pk,
            "mapping": saved.pk,
            "worker": Worker.objects.earliest("pk").pk,
            "group": TaskGroup.objects.earliest("pk").pk,
            "signature": _waiting(sent[0]),
            "waive": Verdict.objects.filter(device=campaign.devices[0]).earliest("pk").pk,
        },
    }


def _waiting(device: Any) -> int:
    """A sign-off of a device that waits for a second person."""
    act = sign(
        pen_of(),
        Act.SIGN_OFF,
        device,
        named=str(device),
        meaning=lambda: "I stand for it",
        told={"note": ""},
        needed=2,
    )
    assert act is not None
    return int(act.pk)


def _schedule() -> int:
    from django_celery_beat.models import PeriodicTask

    return int(PeriodicTask.objects.filter(task__startswith="mppcqa.queue.").earliest("pk").pk)


def _entries() -> Iterator[tuple[str, int]]:
    from mppcqa.web.catalogue.entries import ENTRIES

    for kind, entry in ENTRIES.items():
        row = entry.model._default_manager.first()
        if row is not None:
            yield kind, row.pk


def known_names() -> set[str]:
    """Every name that the pages read, from their source: also those that no form shows."""
    folder = Path(mppcqa.web.__file__).parent
    read = r"""(?:GET|POST|asked|posted|post)(?:\.get\(|\[)\s*f?["']([\w-]+)["']"""
    shown = r"""\bname=["']([\w-]+)["']"""
    called = r"""(?:line|whole)\([\w.]+,\s*["']([\w-]+)["']"""
    found: set[str] = set()
    for path in [*folder.rglob("*.py"), *folder.rglob("*.html"), *folder.parent.glob("*/s*.py")]:
        text = path.read_text()
        found |= {name for form in (read, shown, called) for name in re.findall(form, text)}
    return found | {"q", "type", "place", "tray", "lot", "tag", "outcome", "station", "after"}


class Sweep:
    """Sends, undoes, and keeps what went wrong."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.faults: dict[str, str] = {}
        self.sent = 0

    def send(self, method: str, address: str, values: dict[str, Any]) -> None:
        self.sent += 1
        where = f"{method} {urlsplit(address).path}"
        told = {name: str(value)[:40] for name, value in values.items()}
        try:
            with transaction.atomic():
                self._request(method, address, values, where, told)
                transaction.set_rollback(True)
        except Exception as error:  # whatever it is, it would be a server error
            text = f"{type(error).__name__}: {str(error)[:120]} at {_place(error)}"
            self.faults.setdefault(f"{where}: {text}", str(told)[:400])

    def _request(
        self, method: str, address: str, values: dict[str, Any], where: str, told: dict[str, str]
    ) -> None:
        if method == "post":
            answer = self.client.post(address, values)
        else:
            query = QueryDict(mutable=True)
            for name, value in values.items():
                query.setlist(name, value if isinstance(value, list) else [value])
            answer = self.client.get(f"{address}?{query.urlencode()}")
        list(answer)  # what is streamed is made only now
        for fault in self.look(answer):
            self.faults.setdefault(f"{where}: {fault}", str(told)[:400])

    def look(self, answer: Any) -> list[str]:
        """What is wrong with an answer."""
        return [str(answer.status_code)] if answer.status_code >= 500 else []


def _place(error: BaseException) -> str:
    trace, place = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/mppcqa/" in name:
            place = f"{name.rpartition('/mppcqa/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def test_no_form_of_any_page_ends_in_a_server_error(
    browser_client: Client, world: dict[str, Any]
) -> None:
    """Each field of each form with hostile values, the others as the page has them."""
    sweep, chance, seen = Sweep(browser_client), random.Random(SEED), set()  # noqa: S311
    for page in world["pages"]:
        answer = browser_client.get(page)
        if answer.streaming or "html" not in answer.headers["Content-Type"]:
            continue
        for form in forms_of(answer.content.decode(), page):
            key = (urlsplit(form.action).path, form.method, *sorted(form.fields))
            if form.action in LEFT or key in seen:
                continue
            seen.add(key)
            _try_form(sweep, form, chance)
    assert len(seen) > 40
    assert sweep.sent > tries(500, 2000)
    assert not sweep.faults, told_of(sweep)


def _try_form(sweep: Sweep, form: PageForm, chance: random.Random) -> None:
    fields = form.fields
    for value in chance.sample(HOSTILE, tries(2, len(HOSTILE))):
        # Buttons and hidden fields choose what is done with the rest.
        kept = {name: fields[name] for name in ("action", "kind", "stage") if fields.get(name)}
        sweep.send(form.method, form.action, {**dict.fromkeys(fields, value), **kept})
    for name in fields:
        for value in chance.sample(HOSTILE, tries(1, 4)):
            ways: list[Any] = [value, [value, "1"]]
            for way in chance.sample(ways, tries(1, 2)):
                sweep.send(form.method, form.action, {**fields, name: way})


def told_of(sweep: Sweep) -> str:
    return "\n".join(f"{fault}\n    {values}" for fault, values in sorted(sweep.faults.items()))


def address_of(pattern: URLPattern, world: dict[str, Any]) -> str:
    """An address of this pattern that leads somewhere."""
    converters = pattern.pattern.converters
    keys, name = world["keys"], str(pattern.name)
    found: dict[str, Any] = {}
    for key in converters:
        value = world.get(key, 1)
        if key == "pk":
            value = next((pk for kind, pk in keys.items() if kind in name), None)
            value = value or next(
                (
                    int(part[1])
                    for page in world["pages"]
                    if (part := re.match(rf"/{name.split('_')[0]}s?/(\d+)/", page))
                ),
                1,
            )
        if name == "tray":
            value = "T-1"
        found[key] = value
    return reverse(name, kwargs=found)


@pytest.mark.parametrize("share", TRIED)
def test_no_address_ends_in_a_server_error(
    browser_client: Client, world: dict[str, Any], share: int
) -> None:
    """Every address with every name that any page reads, looked at and sent."""
    sweep, chance, names = Sweep(browser_client), random.Random(SEED), sorted(known_names())  # noqa: S311
    assert {"slot", "analysis", "hours", "search", "at-", "channel"} - set(names) <= {"at-"}
    patterns = [one for one in all_patterns() if str(one.name) != "account_logout"]
    assert len(patterns) > 80
    for pattern in patterns[share::SHARES]:
        address = address_of(pattern, world)
        for method in ("get", "post"):
            for value in chance.sample(HOSTILE, tries(1, 8)):
                sweep.send(method, address, dict.fromkeys(names, value))
            for _more in range(tries(1, 12)):
                some = chance.sample(names, 12)
                plausible = ("1", "", "pde", "GX-000", "all", "2", "csv", "check", "0.5")
                mixed = {name: chance.choice((*HOSTILE, *plausible * 4)) for name in some}
                sweep.send(method, address, mixed)
    assert not sweep.faults, told_of(sweep)


def test_no_part_of_an_address_ends_in_a_server_error(
    browser_client: Client, world: dict[str, Any]
) -> None:
    sweep, chance = Sweep(browser_client), random.Random(SEED)  # noqa: S311
    for pattern in all_patterns():
        for key, converter in pattern.pattern.converters.items():
            whole = type(converter).__name__ == "IntConverter"
            known = {name: _plain(other, world, name) for name, other in
                     pattern.pattern.converters.items()}  # fmt: skip
            values = ("0", "9" * 19, "9" * 400, "9" * 4000) if whole else HOSTILE
            for value in chance.sample(values, tries(3, len(values))):
                if not whole and ("/" in value or not value.strip()):
                    continue
                path = "/" + str(pattern.pattern._route)
                for name, part in {**known, key: value}.items():
                    path = re.sub(rf"<\w+:{name}>", lambda _f, part=part: _quoted(part), path)
                for method in ("get", "post"):
                    sweep.send(method, path, {})
    assert not sweep.faults, told_of(sweep)


def _plain(converter: object, world: dict[str, Any], name: str) -> str:
    return "1" if type(converter).__name__ == "IntConverter" else str(world.get(name, "x"))


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def test_what_is_too_long_is_told_and_not_cut(browser_client: Client, loaded: Station) -> None:
    answer = browser_client.post("/stations/darkbox-1/maintenance/", {"why": "x" * 201})
    assert answer.status_code == 400
    assert "longer than 200 characters" in answer.content.decode()


@pytest.mark.parametrize("number", ["9" * 19, "9" * 4000, "²", "-1"])
def test_rows_of_numbers_that_no_column_holds_are_refused_beside_their_field(
    browser_client: Client, campaign: SimpleNamespace, number: str
) -> None:
    Tag.objects.create(name="spare")
    first = f"/catalogue/campaigns/{Campaign.objects.get().pk}/"
    for page, field in (("/devices/GX-000/edit/", "tags"), (first, "device_types")):
        sent = {"name": "Main campaign", **opened(browser_client, page), field: [number]}
        answer = browser_client.post(page, sent)
        assert answer.status_code == 422
        assert "invalid-feedback" in answer.content.decode()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{"a": NaN}', "too large, or none"),
        ("[" * 3000 + "]" * 3000, "brackets inside"),
        ('{"a": "\\ud800"}', "can't be stored"),
        (f'{{"a": {"9" * 4000}}}', "too large"),
        ("{", "Not readable"),
    ],
)
def test_json_that_nothing_can_keep_is_told_beside_its_field(
    browser_client: Client, campaign: SimpleNamespace, value: str, told: str
) -> None:
    answer = browser_client.post("/catalogue/lots/new/", {"name": "L9", "maker_values": value})
    assert answer.status_code == 422
    assert told in html.unescape(answer.content.decode())


@given(st.text(max_size=60) | st.floats().map(str) | st.integers().map(str))
def test_numbers_are_read_or_not_and_never_an_error(text: str) -> None:
    for found in (typed.whole(text), typed.number(text), typed.day(text)):
        assert found is None or found == found
    number = typed.number(text)
    if number is not None:
        assert abs(number) < float("inf")


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(
    allow_nan=False, allow_infinity=False) | st.text(st.characters(
        blacklist_categories=["Cs"], blacklist_characters="\0[]{}")),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(st.characters(
        blacklist_categories=["Cs"], blacklist_characters="\0[]{}"), max_size=5), part, max_size=3),
    max_leaves=10))  # fmt: skip
def test_json_comes_back_as_it_was_written(value: object) -> None:
    import json

    assert typed.json_document(json.dumps(value)) == value
