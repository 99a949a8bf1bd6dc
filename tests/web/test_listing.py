"""Every list sorts, pages, counts, chooses columns, gives files and acts on many rows alike."""

from __future__ import annotations

import csv
import io
import re
from itertools import chain
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, Institute, Shipment, Tag, Tray
from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.limits.models import LimitSet
from mppcqa.queue.models import State, Task
from mppcqa.runs.models import Run
from mppcqa.web.catalogue.entries import ENTRIES
from mppcqa.web.catalogue.listing import entry_listing
from mppcqa.web.devices.listing import DEVICES
from mppcqa.web.exports.listing import EXPORTS
from mppcqa.web.foreign.listing import BATCHES
from mppcqa.web.imports.listing import IMPORTS
from mppcqa.web.instruments.listing import INSTRUMENTS
from mppcqa.web.limits.listing import LIMIT_SETS
from mppcqa.web.listing.declare import Listing
from mppcqa.web.notices.listing import NOTICES
from mppcqa.web.paging import Order, keyset_page
from mppcqa.web.reanalysis.listing import REANALYSES
from mppcqa.web.runs.listing import RUNS
from mppcqa.web.schedules.listing import SCHEDULES
from mppcqa.web.shipments.listing import SHIPMENTS
from mppcqa.web.stations.listing import STATIONS
from mppcqa.web.tasks.listing import TASKS
from mppcqa.web.trays.listing import TRAYS
from mppcqa.web.workers.listing import WORKERS

LISTS: dict[str, Listing] = {
    "/devices/": DEVICES,
    "/runs/": RUNS,
    "/queue/": TASKS,
    "/trays/": TRAYS,
    "/stations/": STATIONS,
    "/shipments/": SHIPMENTS,
    "/schedules/": SCHEDULES,
    "/workers/": WORKERS,
    "/notices/": NOTICES,
    "/imports/": IMPORTS,
    "/exports/": EXPORTS,
    "/runs/import/batches/": BATCHES,
    "/reanalysis/": REANALYSES,
    "/limits/": LIMIT_SETS,
    "/instruments/": INSTRUMENTS,
    **{
        f"/catalogue/{key}/": entry_listing(entry)
        for key, entry in ENTRIES.items()
        if not entry.own_list
    },
}
SERIAL = re.compile(r'class="serial" href="/devices/([^/"]+)/"')


@pytest.fixture
def scattered(campaign: SimpleNamespace) -> list[Device]:
    """Devices in few places and trays, some in none."""
    places = [Institute.objects.create(name=name) for name in ("Turin", "Aachen")]
    trays = [Tray.objects.create(name=name, rows=20, columns=20) for name in ("T-b", "T-a")]
    Device.objects.bulk_create(
        Device(
            serial=f"N-{n:03d}",
            device_type=campaign.kind,
            location=None if n % 5 == 0 else places[n % 2],
            tray=None if n % 3 == 0 else trays[n % 2],
        )
        for n in range(130)
    )
    return list(Device.objects.select_related("location", "tray", "device_type"))


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "es"])
def test_each_list_opens_by_each_order_filter_and_column(
    browser_client: Client, campaign: SimpleNamespace, language: str
) -> None:
    browser_client.cookies.load({"django_language": language})
    for path, listing in LISTS.items():
        asked = []
        for column in listing.all_columns():
            asked.append({"columns": column.key})
            if column.sort:
                asked += [{"sort": column.key}, {"sort": f"-{column.key}"}]
        for one in listing.filters:
            values = [str(key) for key, _title in one.options()] if one.options else []
            asked += [{one.key: value} for value in (*values[:3], "no such")]
        for query in asked:
            assert browser_client.get(path, query).status_code == 200, (path, query)
        answer = browser_client.get(path, {"download": "csv"})
        assert b"".join(answer.streaming_content).startswith(b'"'), path


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["", "-"])
@pytest.mark.parametrize(
    ("column", "by"), [("where", "location__name"), ("tray", "tray__name"), ("serial", "serial")]
)
def test_a_sorted_list_shows_each_row_once_and_in_order(
    browser_client: Client, scattered: list[Device], column: str, by: str, way: str
) -> None:
    pages, path = [], f"/devices/?sort={way}{column}"
    while True:
        text = browser_client.get(path).content.decode()
        pages.append(SERIAL.findall(text))
        link = re.search(r'rel="next" href="([^"]+)"', text)
        if link is None:
            break
        path = "/devices/" + link[1].replace("&amp;", "&")
    seen = list(chain.from_iterable(pages))
    wanted = Device.objects.order_by(f"{way}{by}", f"{way}pk").values_list("serial", flat=True)
    assert seen == list(wanted)
    assert len(pages) == 3
    back = []
    while True:
        text = browser_client.get(path).content.decode()
        back.append(SERIAL.findall(text))
        link = re.search(r'rel="prev" href="([^"]+)"', text)
        if link is None:
            break
        path = "/devices/" + link[1].replace("&amp;", "&")
    assert list(chain.from_iterable(reversed(back))) == seen


@pytest.mark.django_db
@pytest.mark.parametrize("short", [True, False])
def test_a_page_in_an_order_with_ties_and_gaps_ends_and_begins_anywhere(short: bool) -> None:
    """Whatever the size of a page: its edges fall between equals and beside rows without value."""
    place = Institute.objects.create(name="P")
    others = [None, place, None, Institute.objects.create(name="O"), place, None]
    for other in others:
        Tray.objects.create(name=f"T{Tray.objects.count()}", rows=1, columns=1, location=other)
    for descending in (False, True):
        order = Order("location__name", descending, unique=False)
        names = ["-location__name", "-pk"] if descending else ["location__name", "pk"]
        wanted = list(Tray.objects.order_by(*names))
        for size in range(1, 7):
            seen, after = [], ""
            while True:
                asked = QueryDict(mutable=True)
                asked["after"] = after
                page = keyset_page(Tray.objects.all(), asked, order, size=size, short=short)
                seen += page.rows
                after = page.after
                if not after:
                    break
            assert seen == wanted, (descending, size)


@pytest.mark.django_db
def test_a_made_up_mark_or_order_shows_the_first_page(
    browser_client: Client, scattered: list[Device]
) -> None:
    first = SERIAL.findall(browser_client.get("/devices/?sort=where").content.decode())
    for odd in ("after=x~y", "before=~", "after=99999999999999999999~a"):
        page = browser_client.get(f"/devices/?sort=where&{odd}")
        assert page.status_code == 200, odd
    plain = SERIAL.findall(browser_client.get("/devices/").content.decode())
    for odd in ("sort=nothing", "sort=--serial", "sort=verdict", "sort=state"):
        page = browser_client.get(f"/devices/?{odd}").content.decode()
        assert SERIAL.findall(page) == plain, odd
    assert first != plain


@pytest.mark.django_db
def test_a_head_says_how_it_is_sorted_and_turns_the_order(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    page = browser_client.get("/devices/?sort=where&q=GX").content.decode()
    assert re.findall(r'aria-sort="(\w+)"', page) == ["ascending"]
    assert 'href="?q=GX&amp;sort=-where"' in page
    page = browser_client.get("/devices/").content.decode()
    assert re.search(r'aria-sort="ascending"[^>]*>\s*<a[^>]*sort=-serial', page)


@pytest.mark.django_db
def test_a_total_is_exact_up_to_its_bound_and_no_further(browser_client: Client) -> None:
    Tag.objects.bulk_create(Tag(name=f"t{n}") for n in range(10_000))
    assert "10,000 rows" in browser_client.get("/catalogue/tags/").content.decode()
    Tag.objects.create(name="one more")
    assert "more than 10,000 rows" in browser_client.get("/catalogue/tags/").content.decode()
    assert re.search(r"\b1 row\b", browser_client.get("/catalogue/tags/?q=one").content.decode())
    browser_client.cookies.load({"django_language": "es"})
    page = browser_client.get("/catalogue/tags/").content.decode()
    assert re.search(r"más de 10.000 filas", page)


def _heads(page: str) -> list[str]:
    head = page.split("<thead>")[1].split("</thead>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in head.split("</th>")[:-1]]


@pytest.mark.django_db
def test_chosen_columns_stand_in_the_address_and_are_kept(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    usual = _heads(browser_client.get("/runs/").content.decode())
    page = browser_client.get("/runs/?columns=stage_title,created_at").content.decode()
    assert _heads(page) == ["Run", "Stage", "Started"]
    # A link that somebody sent changes nothing for who opens it.
    assert _heads(browser_client.get("/runs/").content.decode()) == usual
    sent = {"list": "runs", "columns": ["operator_name", "no such"]}
    answer = browser_client.post("/runs/?stage=pde", sent)
    assert answer.headers["Location"] == "/runs/?stage=pde&columns=run%2Coperator_name"
    assert _heads(browser_client.get("/runs/").content.decode()) == ["Run", "Operator"]
    assert _heads(browser_client.get("/trays/").content.decode())[0] == "Tray"
    browser_client.post("/runs/", {"list": "runs", "usual": "1"})
    assert _heads(browser_client.get("/runs/").content.decode()) == usual


@pytest.mark.django_db
def test_a_file_has_the_rows_and_columns_that_are_seen(
    browser_client: Client, scattered: list[Device]
) -> None:
    query = "q=N-&sort=-where&columns=where,tray"
    answer = browser_client.get(f"/devices/?{query}&download=csv")
    assert 'filename="devices.csv"' in answer.headers["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Serial", "Where", "Tray"]
    found = Device.objects.filter(serial__startswith="N-").order_by("-location__name", "-pk")
    wanted = [
        [one.serial, one.location.name if one.location else "", one.tray.name if one.tray else ""]
        for one in found.select_related("location", "tray")
    ]
    assert rows[1:] == wanted


@pytest.mark.django_db
def test_a_file_of_a_list_runs_no_formula(browser_client: Client) -> None:
    Tag.objects.create(name="=1+1")
    answer = browser_client.get("/catalogue/tags/?download=csv")
    assert "'=1+1" in b"".join(answer.streaming_content).decode("utf-8-sig")


@pytest.mark.django_db
def test_a_bulk_action_is_looked_at_first_and_does_what_it_said(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    first, second, third, _fourth = campaign.devices
    move_by_hand(third, Move.HOLD, "scratched")
    sent = {"list": "devices", "action": "hold", "row": [one.pk for one in campaign.devices[:3]]}
    page = browser_client.post("/devices/", sent).content.decode()
    assert "2 rows" in page
    assert page.index(first.serial) < page.index("Left out") < page.index(third.serial)
    assert not Device.objects.exclude(pk=third.pk).filter(state=DeviceState.ON_HOLD).exists()
    rows = re.findall(r'name="row" value="(\d+)"', page)
    assert rows == [str(first.pk), str(second.pk)]
    sure = {**sent, "row": rows, "confirmed": "1"}
    # A reason is needed for this one, on the page of many as on that of one.
    refused = browser_client.post("/devices/", sure)
    assert refused.status_code == 422
    assert "reason" in refused.content.decode()
    assert browser_client.post("/devices/?q=GX", {**sure, "reason": "bent"}).status_code == 302
    held = Device.objects.filter(state=DeviceState.ON_HOLD)
    assert set(held) == {first, second, third}
    assert {one.moves.latest("pk").why for one in (first, second)} == {"bent"}


@pytest.mark.django_db
def test_a_bulk_action_that_became_impossible_for_one_is_done_with_none(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    first, second = campaign.devices[:2]
    move_by_hand(second, Move.HOLD, "scratched")
    sent = {"list": "devices", "action": "hold", "row": [first.pk, second.pk]}
    answer = browser_client.post("/devices/", {**sent, "confirmed": "1", "reason": "bent"})
    assert answer.status_code == 422
    assert "Nothing was done" in answer.content.decode()
    first.refresh_from_db()
    assert first.state != DeviceState.ON_HOLD


@pytest.mark.django_db
def test_a_bulk_action_takes_all_that_fit_the_filters(
    browser_client: Client, scattered: list[Device]
) -> None:
    sent = {"list": "devices", "action": "install", "everything": "1"}
    page = browser_client.post("/devices/?q=N-0", sent).content.decode()
    assert len(re.findall(r'name="row"', page)) == 100


@pytest.mark.django_db
def test_who_lacks_the_right_neither_sees_nor_does_a_bulk_action(
    campaign: SimpleNamespace,
) -> None:
    guest = User.objects.create_user("guest", password="only-looking-7")
    client = Client()
    client.force_login(guest)
    assert "data-tick" not in client.get("/devices/").content.decode()
    sent = {"list": "devices", "action": "install", "row": [campaign.devices[0].pk]}
    assert client.post("/devices/", {**sent, "confirmed": "1"}).status_code == 403
    assert not Device.objects.filter(state=DeviceState.INSTALLED).exists()
    guest.user_permissions.add(Permission.objects.get(codename="change_device"))
    assert client.post("/devices/", {**sent, "confirmed": "1"}).status_code == 302
    assert Device.objects.filter(state=DeviceState.INSTALLED).count() == 1


@pytest.mark.django_db
def test_many_tasks_are_stopped_at_once(browser_client: Client) -> None:
    waiting = [Task.objects.create(name="reports.device", state=State.QUEUED) for _n in range(3)]
    ended = Task.objects.create(name="reports.device", state=State.FAILED)
    sent = {"list": "tasks", "action": "kill", "row": [one.pk for one in (*waiting, ended)]}
    page = browser_client.post("/queue/?state=open", sent).content.decode()
    assert "3 rows" in page
    assert page.index("Left out") < page.index(f"#{ended.pk}")
    answer = browser_client.post("/queue/?state=open", {**sent, "confirmed": "1", "reason": "x"})
    assert answer.status_code == 302
    states = Task.objects.filter(pk__in=[one.pk for one in waiting]).values_list("state", flat=True)
    assert set(states) == {State.KILLED}


@pytest.mark.django_db
def test_a_list_form_without_rows_or_action_says_so(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    for sent, said in (
        ({"action": "install"}, "Choose rows first"),
        ({"action": "", "row": "1"}, "Choose what is done"),
    ):
        answer = browser_client.post("/devices/", {"list": "devices", **sent}, follow=True)
        assert said in answer.content.decode()


@pytest.mark.django_db
def test_lists_choose_what_their_filters_say(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    here, there = (Institute.objects.create(name=name) for name in ("Here", "There"))
    packed = Shipment.objects.create(origin=here, destination=there)
    other = Shipment.objects.create(origin=there, destination=here)
    for query, wanted in (
        (f"from={here.pk}", {packed.pk}),
        (f"to={here.pk}", {other.pk}),
        ("state=packed", {packed.pk, other.pk}),
        ("state=received", set()),
    ):
        page = browser_client.get(f"/shipments/?{query}").content.decode()
        assert {int(pk) for pk in re.findall(r'href="/shipments/(\d+)/"', page)} == wanted, query
    limits = LimitSet.objects.earliest("pk")
    page = browser_client.get(f"/limits/?stage={limits.stage}&state=active").content.decode()
    active = LimitSet.objects.filter(stage=limits.stage, active=True)
    assert {int(pk) for pk in re.findall(r'href="/limits/(\d+)/"', page)} == {
        one.pk for one in active
    }
    run = Run.objects.latest("pk")
    page = browser_client.get(f"/runs/?stage={run.stage}").content.decode()
    assert f'href="/runs/{run.pk}/"' in page


def test_a_file_has_what_a_page_leaves_out_because_none_of_its_rows_has_it(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    """The columns were those of the first page: verdicts on later ones were lost without a word."""
    kind = campaign.kind.name
    register_devices(
        [{"serial": f"AA-{n:03d}", "device_type": kind} for n in range(60)], by=operator
    )
    heads = re.compile(r'<th scope="col"[^>]*>\s*([^<]+?)\s*</th>')
    first = heads.findall(browser_client.get("/devices/").content.decode())
    assert "PDE" not in first
    measured = heads.findall(browser_client.get("/devices/?q=GX").content.decode())
    assert "PDE" in measured
    assert "Dark Box" not in measured
    answer = browser_client.get("/devices/?download=csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert len(rows) == 64
    told = {row["Serial"]: row["PDE"] for row in rows if row["PDE"]}
    assert sorted(told) == [one.serial for one in campaign.devices]
    assert "Dark Box" not in rows[0]
