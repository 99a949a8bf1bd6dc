"""Procedures: versions that runs keep, pictures, and who may start because they were shown how."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation

from mppcqa.inventory.campaign import Campaign
from mppcqa.markup import blocks
from mppcqa.queue.models import State
from mppcqa.runs.actions import start_run
from mppcqa.runs.models import Station
from mppcqa.runs.procedures import Procedure, Training
from mppcqa.runs.training import (
    ProcedureRefused,
    add_picture,
    in_use,
    is_trained,
    real_minutes,
    train,
    write_version,
)
from tests.web.formfields import opened

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\nand the rest"
TODAY = timezone.now().date()
DAY = dt.timedelta(days=1)


def test_what_people_type_is_read_into_pieces_and_is_never_markup_of_a_browser() -> None:
    text = (
        "# Load\n\n1. open the **lid**\n   slowly\n2. look\n[picture 2]\n3. close\n\n"
        "- <script>one</script>\n- two\n\nplain\nand on\n# Then\n1. again\n"
    )
    found = blocks(text)
    assert [(one.kind, one.number, len(one.lines)) for one in found] == [
        ("heading", 0, 1),
        ("steps", 1, 2),
        ("picture", 2, 0),
        ("steps", 3, 1),
        ("items", 0, 2),
        ("paragraph", 0, 1),
        ("heading", 0, 1),
        ("steps", 1, 1),
    ]
    assert found[1].lines[0] == [
        (False, "open the "),
        (True, "lid"),
        (False, " "),
        (False, "slowly"),
    ]
    assert found[4].lines[0] == [(False, "<script>one</script>")]


def test_versions_follow_each_other_and_a_run_keeps_its_own(
    loaded: Station, operator: User
) -> None:
    with pytest.raises(ProcedureRefused, match="There is no picture 1"):
        write_version("darkbox", {"en": "[picture 1]"})
    with pytest.raises(ProcedureRefused, match="one language at least"):
        write_version("darkbox", {"en": "  ", "es": ""})
    file = SimpleUploadedFile("socket.png", PNG)
    assert add_picture("darkbox", file, "the socket").number == 1
    with pytest.raises(Exception, match="A picture is one of these"):
        add_picture("darkbox", SimpleUploadedFile("a.txt", b"words"), "words")
    first = write_version("darkbox", {"en": "1. open\n[picture 1]"}, by=operator)
    run = start_run(loaded, by=operator)
    assert run.procedure == first
    second = write_version("darkbox", {"es": "1. abrir"}, by=operator)
    assert (first.version, second.version, in_use("darkbox")) == (1, 2, second)
    run.refresh_from_db()
    assert run.procedure == first
    assert second.text == "1. abrir"  # the one language that there is
    both = Procedure(text_en="open", text_es="abrir")
    with translation.override("es"):
        assert both.text == "abrir"
    with translation.override("en"):
        assert both.text == "open"


def test_where_the_campaign_says_so_only_trained_people_start(
    browser_client: Client, loaded: Station, operator: User
) -> None:
    campaign = Campaign.objects.get()
    address = f"/catalogue/campaigns/{campaign.pk}/"
    typed: dict[str, Any] = {"name": campaign.name, "stages": "PDE\nDark Box; repeat; trained"}
    assert (
        browser_client.post(address, {**opened(browser_client, address), **typed}).status_code
        == 302
    )
    assert "repeat; trained" in browser_client.get(address).content.decode()
    version = write_version("darkbox", {"en": "1. open"})
    for row in (
        None,
        {"done_on": TODAY - 9 * DAY, "valid_until": TODAY - DAY},
    ):
        if row:
            train(operator, version, **row)
        with pytest.raises(ProcedureRefused, match="trained people alone do Dark Box, and rosa"):
            start_run(loaded, by=operator)
    # Another stage's training is none for this one, and somebody else's is nobody's.
    train(operator, write_version("pde", {"en": "1. open"}), TODAY)
    train(User.objects.create_user("ana"), version, TODAY)
    assert not is_trained(operator, "darkbox")
    page = browser_client.get("/procedures/darkbox/card/").content.decode()
    assert "You are not noted as trained" in page
    good = train(operator, version, TODAY - DAY, TODAY)  # the last day is a good one
    write_version("darkbox", {"en": "1. open slowly"})  # counts for what comes after as well
    assert (
        "You are not noted" not in browser_client.get("/procedures/darkbox/card/").content.decode()
    )
    assert start_run(loaded, by=operator).procedure == in_use("darkbox")
    withdraw = f"/trainings/{good.pk}/withdraw/"
    browser_client.post(withdraw, {"why": "a mix-up of names"})
    again = browser_client.post(withdraw, {"why": "again"}, follow=True).content.decode()
    assert "is withdrawn already" in again
    assert "a mix-up of names" in again
    assert not is_trained(operator, "darkbox")


def test_a_checklist_asks_for_training_as_well(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    Campaign.objects.update(conditions={"inspection": {"trained": True}})
    write_version("inspection", {"en": "1. look"})
    page = "/checklists/inspection/GX-000/"
    asked = browser_client.get(page).content.decode()
    assert "/procedures/inspection/card/" in asked
    answers = {f"a-{key}": "0" for key in re.findall(r'name="a-(\w+)"', asked)}
    answer = browser_client.post(page, answers)
    assert answer.status_code == 422
    assert "lets trained people alone do" in answer.content.decode()
    browser_client.post(
        "/procedures/inspection/training/", {"person": "rosa", "done_on": TODAY.isoformat()}
    )
    assert browser_client.post(page, answers).status_code == 302
    assert campaign.devices[0].runs.get(stage="inspection").procedure == in_use("inspection")


def test_it_is_written_by_form_and_read_with_its_pictures(browser_client: Client) -> None:
    page = "/procedures/pde/write/"
    file = SimpleUploadedFile("led.png", PNG)
    made = browser_client.post(
        "/procedures/pde/pictures/", {"file": file, "told": "the LED"}, follow=True
    )
    assert "It is picture 1" in made.content.decode()
    wrong = browser_client.post(page, {"text_en": "[picture 7]"})
    assert wrong.status_code == 422
    assert "There is no picture 7" in wrong.content.decode()
    values: dict[str, Any] = {
        "text_en": "1. mount <b>it</b>\n\n[picture 1]",
        "text_es": "1. montar",
        "estimate_min": "25",
        "note": "first",
    }
    read = browser_client.post(page, values, follow=True).content.decode()
    assert "mount &lt;b&gt;it&lt;/b&gt;" in read
    assert "Estimated: 25 min." in read
    (shown,) = set(re.findall(r"/procedures/pictures/\d+/", read))
    assert b"".join(browser_client.get(shown).streaming_content) == PNG
    browser_client.cookies.load({"django_language": "es"})
    assert "<li>montar</li>" in browser_client.get("/procedures/pde/").content.decode()


def test_the_real_time_stands_beside_the_estimate(
    browser_client: Client, loaded: Station, operator: User
) -> None:
    assert real_minutes("darkbox") is None
    write_version("darkbox", {"en": "1. open"}, estimate_min=30)
    run = start_run(loaded, by=operator)
    assert run.task_group is not None
    measured = run.task_group.tasks.filter(name="runs.acquire")
    measured.update(state=State.FAILED, run_s=10.0)
    assert real_minutes("darkbox") is None  # what failed says nothing of the time
    measured.update(state=State.SUCCEEDED, run_s=2700.0)
    assert real_minutes("darkbox") == (45.0, 1)
    page = browser_client.get("/procedures/darkbox/").content.decode()
    assert "took 45.0 min" in " ".join(page.split())
    assert "Version 1" in " ".join(browser_client.get(f"/runs/{run.pk}/").content.decode().split())


def test_a_training_is_refused_where_it_makes_no_sense(browser_client: Client) -> None:
    address = "/procedures/pde/training/"
    base = {"person": "rosa", "done_on": TODAY.isoformat()}
    assert (
        "Write the procedure first"
        in browser_client.post(address, base, follow=True).content.decode()
    )
    write_version("pde", {"en": "1. open"})
    for changed, text in (
        ({"person": "nobody"}, "Select a valid choice"),
        ({"done_on": (TODAY + 2 * DAY).isoformat()}, "yet to come"),
        ({"valid_until": (TODAY - DAY).isoformat()}, "ends before it was made"),
    ):
        answer = browser_client.post(address, base | changed)
        assert answer.status_code == 422, changed
        assert text in answer.content.decode(), changed
    assert not Training.objects.exists()
