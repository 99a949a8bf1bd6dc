"""The workbench: every kind answers, each mark leads to its values, and bad input is told."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pypdfium2
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override

from mppcqa.columnar import keeping
from mppcqa.columnar.models import SavedQuestion
from mppcqa.inventory.models import Device, Institute, Lot
from mppcqa.queue.models import State, Task, queue_name
from mppcqa.queue.runner import work
from mppcqa.reports.answer import NoAnswer, answered
from mppcqa.reports.archive import reports_of, save_report
from mppcqa.results.models import Measurement, QuantityRow
from mppcqa.views.workbench.asked import BY, KINDS
from tests.reports.pages import MARGIN, faults
from tests.reports.reading import read

pytestmark = pytest.mark.django_db
PAGE = "/workbench/"


@pytest.fixture(autouse=True)
def own_copy(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    settings.MPPCQA_COLUMNAR_KEEP_S = 0.0


@pytest.fixture
def client(operator: User) -> Client:
    made = Client()
    made.force_login(operator)
    return made


def quantity(key: str) -> int:
    return QuantityRow.objects.get(stage="pde", key=key).pk


def spec(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="chart-answer"[^>]*>(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1])


def table(client: Client, asked: str) -> list[list[str]]:
    text = client.get(f"{PAGE}?{asked}&as=csv").content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_answers(client: Client, campaign: SimpleNamespace, kind: str) -> None:
    asked = f"q={quantity('gain_adc')}&kind={kind}&q2={quantity('pde')}&by=lot"
    answer = client.get(f"{PAGE}?{asked}")
    assert answer.status_code == 200
    assert KINDS[kind].encode() in answer.content
    if kind not in ("values", "outliers"):
        assert next(iter(spec(answer.content.decode())["datasets"].values()))


@pytest.mark.parametrize("kind", ["histogram", "box", "pairs"])
def test_limits_are_told_beside_an_answer(
    client: Client, campaign: SimpleNamespace, kind: str
) -> None:
    key = quantity("crosstalk_probability")
    Measurement.objects.filter(quantity=key, device=campaign.devices[0], channel__lt=5).update(
        bound=1, statistical=None
    )
    for q, q2, told in ((key, quantity("pde"), True), (quantity("pde"), key, kind == "pairs")):
        page = client.get(f"{PAGE}?q={q}&q2={q2}&kind={kind}").content.decode()
        assert ("5 further values are limits" in page) is told


def test_all_groups(client: Client, campaign: SimpleNamespace) -> None:
    for by in BY:
        rows = table(client, f"q={quantity('gain_adc')}&kind=box&by={by}")
        assert sum(int(row[1]) for row in rows) == 64, by


def test_a_bar_leads_to_its_values(client: Client, campaign: SimpleNamespace) -> None:
    asked = f"q={quantity('breakdown_voltage_v')}&by=device"
    bars = spec(client.get(f"{PAGE}?{asked}").content.decode())["datasets"]["bins"]
    assert sum(one["n"] for one in bars) == 64
    for one in bars[::7]:
        rows = table(client, one["href"].partition("?")[2])
        assert {row[0] for row in rows} == {one["g"]}
        # What lies on an edge is in the bin above it, and in both ranges.
        assert one["n"] <= len(rows) <= one["n"] + 1


def test_a_condition_that_is_asked_twice_counts_once(
    client: Client, campaign: SimpleNamespace
) -> None:
    keeping.follow()
    text = unescape(client.get(f"{PAGE}?q={quantity('gain_adc')}").content.decode())
    at = re.search(r'<option value="(\w+=[^"]+)"', text)
    assert at
    asked = urlencode({"q": quantity("gain_adc"), "kind": "box", "at": [at[1]] * 2}, doseq=True)
    (row,) = table(client, asked)
    assert row[1] == "64"


def test_bad_input_is_told(client: Client, campaign: SimpleNamespace) -> None:
    for bad in ("q=x", "q=999999", "kind=pie", "by=x", "low=abc", "since=2026-02-31", "lot=²",
                "at=nothing%3D1&q=1", "rq=1e9", "as=exe", "outcome=x", "kind=pairs"):  # fmt: skip
        answer = client.get(f"{PAGE}?{bad}")
        assert answer.status_code == 400, bad
        assert "can't be asked" in unescape(answer.content.decode()), bad


def test_kept_and_shared(client: Client, campaign: SimpleNamespace, operator: User) -> None:
    asked = f"q={quantity('gain_adc')}&kind=box"
    client.post("/workbench/save/", {"asked": asked, "name": "Gains", "shared": "1"})
    row = SavedQuestion.objects.get()
    assert (row.name, row.shared, row.owner) == ("Gains", True, operator)
    other = Client()
    other.force_login(User.objects.create_superuser("ada", password="finger-spectrum-9"))
    page = unescape(other.get(PAGE).content.decode())
    assert f"?{asked}" in page
    assert other.post(f"/workbench/saved/{row.pk}/remove/").status_code == 404
    client.post(f"/workbench/saved/{row.pk}/remove/")
    assert not SavedQuestion.objects.exists()


def test_taken_away(client: Client, campaign: SimpleNamespace) -> None:
    asked = f"q={quantity('gain_adc')}"
    assert client.get(f"{PAGE}?{asked}&as=png").content.startswith(b"\x89PNG")
    assert b"<svg" in client.get(f"{PAGE}?{asked}&as=svg").content


@pytest.mark.parametrize(("language", "by"), [("en", "lot"), ("es", "channel")])
def test_every_kind_is_printed_without_a_fault(
    campaign: SimpleNamespace, operator: User, language: str, by: str
) -> None:
    """One group whose name is long, and twelve that have a chart each."""
    Lot.objects.update(name="W" * 60)
    lot = Lot.objects.get()
    for n, kind in enumerate(KINDS):
        asked = f"q={quantity('gain_adc')}&kind={kind}&q2={quantity('pde')}&by={by}&lot={lot.pk}"
        row = SavedQuestion.objects.create(name=f"Gain, {kind}", asked=asked, owner=operator)
        with override(language):
            made = answered(row, ("A4", "letter")[n % 2])
            again = answered(row, ("A4", "letter")[n % 2])
        assert made.data == again.data, "the same answer, the same bytes"
        assert isinstance(made.data, bytes)
        assert faults(made.data, margin=MARGIN) == [], kind
        texts, _codes = read(made.data)
        assert {"en": "Gain", "es": "Ganancia"}[language] in texts[0], kind
        assert "WWW" in texts[0], kind
        with pypdfium2.PdfDocument(made.data) as document:
            objects = [one.type for page in document for one in page.get_objects()]
        assert pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in objects, "charts are vectors"
        # The unit stands at an axis, in the key of a map, or in the head of the values.
        assert kind == "outliers" or "ADC" in "".join(texts), kind


@pytest.mark.django_db(transaction=True)
def test_a_kept_question_has_reports_as_anything_else(
    client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    asked = f"q={quantity('gain_adc')}&kind=box&by=device"
    page = client.post(
        "/workbench/save/", {"asked": asked, "name": "Gains", "reports": "1"}, follow=True
    )
    row = SavedQuestion.objects.get()
    assert "Boxes" in page.content.decode()
    told = {"kind": "answer", "language": "en", "paper": "A4"}
    address = f"/reports/columnar.savedquestion/{row.pk}/"
    client.post(f"{address}write/", told)
    client.post(f"{address}write/", told)
    work("test:1", [queue_name("work")], lambda: False)
    task = Task.objects.get(name="reports.write")
    assert task.state == State.SUCCEEDED, task.error_text
    kept = reports_of(row).get()
    assert f'href="/reports/{kept.pk}/"' in client.get(address).content.decode()
    assert save_report("answer", row) == kept, "nothing changed since"
    SavedQuestion.objects.update(asked=f"q={quantity('pde')}&kind=box&by=device")
    later = save_report("answer", SavedQuestion.objects.get())
    page = unescape(client.get(f"/reports/{later.pk}/compare/").content.decode())
    assert f"q={quantity('gain_adc')}" in page
    SavedQuestion.objects.update(asked="q=999999")
    with pytest.raises(NoAnswer, match="999999"):
        save_report("answer", SavedQuestion.objects.get())
    other = Client()
    other.force_login(User.objects.create_superuser("ada", password="finger-spectrum-9"))
    assert other.get(f"/workbench/saved/{row.pk}/").status_code == 404, "it is not shared"
    assert other.get(address).status_code == 404


def test_who_is_bound_sees_the_own(
    client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    own = Institute.objects.create(name="Own")
    Device.objects.filter(serial="GX-001").update(owner=own)
    operator.person.institute = own
    operator.person.save()
    for kind in KINDS:
        asked = f"q={quantity('gain_adc')}&kind={kind}&q2={quantity('pde')}&by=device"
        page = client.get(f"{PAGE}?{asked}").content.decode()
        assert not {"GX-000", "GX-002", "GX-003"} & set(re.findall(r"GX-\d{3}", page)), kind
    assert {row[0] for row in table(client, "kind=values")} == {"GX-001"}


@pytest.mark.parametrize("kind", ["values", "outliers"])
def test_a_single_value_leads_to_its_channel(
    client: Client, campaign: SimpleNamespace, kind: str
) -> None:
    page = client.get(PAGE, {"kind": kind, "q": quantity("gain_adc")}).content.decode()
    cells = re.findall(r'<a class="value" href="(/runs/\d+/cell/[^"]+)">([^<]+)</a>', page)
    assert cells or kind == "outliers"
    for address, _value in cells[:3]:
        serial = re.search(r"device=([^&]+)", address)
        assert serial
        shown = client.get(unescape(address))
        assert shown.status_code == 200
        assert serial[1] in shown.content.decode()


def test_names_that_we_give_questions_are_told_in_spanish(operator: User) -> None:
    ours = SavedQuestion(name="Dark Box: Gain by lot", owner=operator)
    theirs = SavedQuestion(name="my own", owner=operator)
    with override("es"):
        assert (str(ours), str(theirs)) == ("Caja oscura: Ganancia por lote", "my own")
    with override("en"):
        assert str(ours) == "Dark Box: Gain by lot"
