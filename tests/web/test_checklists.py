"""A stage that is a checklist: what a person saw becomes values, photographs and a verdict."""

from __future__ import annotations

import json
import uuid
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from mppcqa.inventory.moving import move_by_hand
from mppcqa.inventory.states import Move
from mppcqa.limits.judging import judge
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Standing
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import get_stage
from mppcqa.store.reading import whole_path

PAGE = "/checklists/inspection/GX-000/"
STEPS = get_stage("inspection").checklist


def photograph(colour: str = "green", kind: str = "PNG") -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, kind)
    return SimpleUploadedFile(f"{colour} <window>.{kind.lower()}", file.getvalue())


def filled_in(**found: object) -> dict[str, object]:
    clean = {f"a-{step.key}": "0" for step in STEPS}
    return clean | {"once": str(uuid.uuid4())} | found


def test_what_was_found_is_judged_kept_and_shown(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    marks = [[[0.1, 0.2, 0.5, 0.25], [0.7, 0.7, 0.9, 0.4]]]
    form = {
        "a-window_scratches": "2",
        "f-window_scratches": [photograph()],
        "m-window_scratches": json.dumps(marks),
        "r-window_scratches": "<b>fine</b>",
        "note": "opened at the bench",
    }
    answer = browser_client.post(PAGE, filled_in(**form), follow=True)
    assert answer.redirect_chain[-1][0] == "/checklists/inspection/"
    assert "GX-000: warning." in answer.content.decode()
    run = Run.objects.get(stage="inspection")
    assert (run.operator, run.note) == (operator, "opened at the bench")
    standing = Standing.objects.get(device=campaign.devices[0], stage="inspection")
    assert standing.outcome == "warning"
    # What was seen is read on the run's page and on the device's, marks on the photograph included.
    card = browser_client.get(f"/runs/{run.pk}/checklist/").content.decode()
    assert "&lt;b&gt;fine&lt;/b&gt;" in card
    assert card.count('class="mark-over"') == 2
    assert 'x1="0.1" y1="0.2"' in card
    for page in (f"/runs/{run.pk}/", "/devices/GX-000/"):
        assert f"/runs/{run.pk}/checklist/" in browser_client.get(page).content.decode()
    picture = run.files.get(kind=RunFile.Kind.PICTURE)
    shown = browser_client.get(f"/pictures/{picture.pk}/")
    assert shown.headers["Content-Type"] == "image/png"
    assert Image.open(BytesIO(b"".join(shown.streaming_content))).size == (40, 30)


def test_its_file_is_analysed_again_like_any_other(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    browser_client.post(PAGE, filled_in(**{"a-bent_pins": "1", "r-bent_pins": "no camera"}))
    device = campaign.devices[0]
    standing = Standing.objects.get(device=device, stage="inspection")
    assert standing.outcome == "fail"
    stage, row = get_stage("inspection"), standing.analysis.run_file
    with whole_path(row) as path:
        found = stage.analyse(path, {})
    assert {one.quantity: one.value for one in found.results}["bent_pins"] == 1
    analysis = store_analysis(stage, row, {1: device.pk}, found.results)
    assert judge(analysis, [device.pk]) == {device.pk: "fail"}


def test_a_form_that_is_sent_twice_counts_once(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    form = filled_in()
    for _time in range(2):
        answer = browser_client.post(PAGE, form, follow=True)
        assert "GX-000: pass." in answer.content.decode()
    assert Run.objects.filter(stage="inspection").count() == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"a-cracks": ""}, "Not answered yet."),
        ({"a-cracks": "-1"}, "Not answered yet."),
        ({"a-package_condition": "7"}, "That is no answer to this step."),
        ({"a-cracks": "3"}, "Show it on a photograph, or say in the remark why there is none."),
        (
            {"a-cracks": "1", "f-cracks": [SimpleUploadedFile("a.png", b"<svg onload=x>")]},
            "a.png is no picture of the kinds JPEG, PNG and WebP.",
        ),
        ({"f-cracks": [photograph()], "m-cracks": "[[[0, 0, 2, 1]]]"}, "can&#x27;t be read"),
        ({"f-cracks": [photograph()], "m-cracks": '[["x"]]'}, "can&#x27;t be read"),
        ({"r-cracks": "x" * 501}, "The remark is longer than 500 characters."),
    ],
)
def test_what_is_no_answer_is_told_at_its_step_and_nothing_is_kept(
    browser_client: Client, campaign: SimpleNamespace, form: dict[str, object], said: str
) -> None:
    answer = browser_client.post(PAGE, filled_in(**form))
    assert answer.status_code == 422
    assert said in answer.content.decode().replace("&#39;", "&#x27;")
    assert not Run.objects.filter(stage="inspection").exists()
    assert not RunFile.objects.filter(kind__in=("checklist", "picture")).exists()


def test_a_photograph_belongs_to_one_device(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    form = {"a-cracks": "1", "f-cracks": [photograph("red")]}
    browser_client.post(PAGE, filled_in(**form))
    form["f-cracks"] = [photograph("red")]
    answer = browser_client.post(PAGE.replace("GX-000", "GX-001"), filled_in(**form))
    assert "take a new one" in answer.content.decode()
    assert Run.objects.filter(stage="inspection").count() == 1


def test_only_what_is_at_hand_is_looked_at_and_only_by_who_may(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    move_by_hand(campaign.devices[0], Move.RETIRE, "broken", by=operator)
    answer = browser_client.post(PAGE, filled_in())
    assert "GX-000 is retired" in answer.content.decode()
    guest = Client()
    guest.force_login(User.objects.create_user("guest", password="only-looking-7"))
    assert guest.get(PAGE).status_code == 403
    assert guest.post(PAGE, filled_in()).status_code == 403
    assert not Run.objects.filter(stage="inspection").exists()


def test_a_scan_opens_the_checklist(browser_client: Client, campaign: SimpleNamespace) -> None:
    first = browser_client.post("/scan/", {"code": ".CHECK inspection"}).json()
    assert first["go"] == "/checklists/inspection/"
    then = browser_client.post("/scan/", {"code": "GX-001", "checklist": "inspection"}).json()
    assert then["go"] == "/checklists/inspection/GX-001/"
    unknown = browser_client.post("/scan/", {"code": ".CHECK oven"}).json()
    assert unknown["tone"] == "bad"


def test_a_campaign_sends_devices_there(browser_client: Client, campaign: SimpleNamespace) -> None:
    first = campaign.devices[0].campaign
    first.stages = ["inspection", "pde"]
    first.save()
    assert PAGE in browser_client.get("/devices/GX-000/").content.decode()
    assert PAGE in browser_client.get("/checklists/inspection/").content.decode()
    browser_client.post(PAGE, filled_in())
    assert PAGE not in browser_client.get("/checklists/inspection/").content.decode()
