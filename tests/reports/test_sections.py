"""Sections on and off and in order by an institution's choice, and sections that packages bring."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils.translation import override

from mppcqa import plugins
from mppcqa.public_address import PublicAddress
from mppcqa.reports import sections
from mppcqa.reports.archive import save_report
from mppcqa.reports.certificate import lay_out as certificate
from mppcqa.reports.device import lay_out
from mppcqa.reports.group import lay_out as group_report
from mppcqa.reports.kinds import sections_of
from mppcqa.reports.look import Look, look_of
from mppcqa.reports.models import ReportLook
from mppcqa.views.device import DeviceView
from tests.reports import reading
from tests.reports.hard import hard_views
from tests.reports.hard_groups import hard_groups
from tests.reports.pages import faults
from tests.web.formfields import forms_of

ADDRESS = PublicAddress("https://qa.example.org")
PAGE = "/reports/looks/0/sections/"


def read(data: bytes) -> str:
    return "\n".join(reading.read(data)[0]).replace("\r\n", "\n")


def where(text: str, *words: str) -> list[int]:
    found = [text.find(word) for word in words]
    assert -1 not in found, dict(zip(words, found, strict=True))
    return found


def test_parts_of_a_group_stand_as_the_look_says() -> None:
    view = hard_groups()["tray of 460"]
    usual = read(group_report(view, "Report of a tray", key="tray"))
    told = "Yield: devices that pass", "Of each device the mean", "From the median"
    chosen = Look(sections=(("tray", ("strays", "-map", "yields")),))
    made = group_report(view, "Report of a tray", "A4", chosen, "tray")
    text = read(made)
    assert where(usual, *told) == sorted(where(usual, *told))
    assert "Worst verdict of each device" in usual
    assert "Worst verdict of each device" not in text
    order = where(text, told[2], told[0], told[1])
    assert order == sorted(order)
    assert faults(made) == []


def test_a_stage_and_what_it_says_stand_as_the_look_says() -> None:
    view = hard_views()["all failed"]
    first, second = view.stages
    look = Look(
        sections=(
            ("device", (f"stage.{second.key}", f"-stage.{first.key}")),
            ("device.stage", ("channels", "-charts", "judged")),
        )
    )
    made = lay_out(view, ADDRESS, look=look)
    text = read(made)
    assert "Gain against bias" not in text
    assert f"Dark Box: {first.verdict.text}" in text or first.verdict.text in text
    order = where(text, "Values by channel", "Worst value")
    assert order == sorted(order)
    assert text.count("SHA-256") == 1
    assert faults(made) == []
    assert made == lay_out(view, ADDRESS, look=look)


def test_a_certificate_without_numbers_keeps_its_verdicts_and_decisions() -> None:
    view = hard_views()["waived"]
    look = Look(sections=(("certificate", ("-stages",)),))
    text = read(certificate(view, ADDRESS, "A4", look))
    assert "Worst value" in read(certificate(view, ADDRESS))
    assert "Worst value" not in text
    waiver = view.stages[0].verdict.waiver
    assert waiver is not None
    assert waiver.head in text


@pytest.mark.django_db
def test_the_page_puts_sections_in_order(browser_client: Client, campaign: SimpleNamespace) -> None:
    (form,) = [
        one
        for one in forms_of(browser_client.get(PAGE).content.decode(), PAGE)
        if "station:runs" in one.fields
    ]
    assert form.fields["station:runs"] == ["2"]
    assert form.fields["device:stage.darkbox"]
    typed = {**form.fields, "station:failures": "1", "station:runs": "", "tray:devices": "1"}
    answer = browser_client.post(PAGE, typed)
    assert answer.status_code == 302, answer.content.decode()
    kept = ReportLook.objects.get(key="0").sections
    assert kept["station"] == ["failures", "references", "durations", "-runs"]
    assert kept["tray"][:2] == ["devices", "yields"]
    assert "device" not in kept
    assert dict(look_of(None).sections)["station"][0] == "failures"
    report = save_report("tray", campaign.tray)
    assert report.inputs["look"]["sections"]["tray"][0] == "devices"
    refused = browser_client.post(PAGE, {**typed, "station:runs": "0"})
    assert refused.status_code in (409, 422)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Packages that are installed: one with sections, one that can't be loaded."""
    group, here = sections.GROUP, "tests.reports.test_sections"
    points = [
        EntryPoint("storage", f"{here}:STORAGE", group),
        EntryPoint("broken", f"{here}:BROKEN", group),
        EntryPoint("gone", "no_such_package:SECTION", group),
        EntryPoint("linearity", "mppcqa_stage_linearity.section:SECTION", group),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    sections.added_sections.cache_clear()
    yield
    sections.added_sections.cache_clear()


def _storage(view: DeviceView) -> list[str | sections.Listed]:
    rows = tuple((str(n), "Ñandú ± 浜 " * 12) for n in range(120))
    return [f"{view.serial} <is> kept dry.", sections.Listed(("n", "Remark"), rows, (1, 5))]


STORAGE = sections.AddedSection("storage", "Storage & drying", ("device",), _storage)
BROKEN = sections.AddedSection("broken", "Broken one", ("device",), lambda view: view.nothing)


@pytest.mark.usefixtures("packages")
def test_a_package_adds_a_section_by_declaration() -> None:
    view = hard_views()["all failed"]
    made = lay_out(view, ADDRESS)
    text = read(made)
    order = where(text, "Values by channel", "Broken one", "Storage & drying")
    assert order == sorted(order)
    assert f"{view.serial} <is> kept dry." in text
    assert "could not be written" in text
    assert "Linear range" not in text, "it says nothing of a device without that stage"
    assert faults(made) == []
    look = Look(sections=(("device", ("storage", "-broken")),))
    with override("es"):
        moved = read(lay_out(view, ADDRESS, look=look))
    assert "Broken one" not in moved
    assert [one.key for one in sections_of("device")][-3:] == [
        "broken", "linearity", "storage",
    ]  # fmt: skip
