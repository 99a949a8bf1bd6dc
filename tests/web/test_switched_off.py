"""Pages where a stage is switched off: what was stored of it is shown, and why it is off."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client

from mppcqa.results.models import Measurement
from mppcqa.runs.models import Run
from mppcqa.stages import get_stage, registry
from tests.web.test_pages import addresses


@pytest.fixture
def off(campaign: SimpleNamespace, loaded: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign of two stages, whose packages no longer load."""
    found = registry._found()
    stages = {key: one for key, one in found.stages.items() if key not in ("pde", "darkbox")}
    broken = [
        registry.BrokenStage(
            key,
            f"mppcqa_{key}:STAGE",
            f"mppcqa-{key} 1.2",
            key,
            ("ImportError: libLamp.so, password=hunter2",),
            "Traceback: amqp://guest:hunter2@broker",
        )
        for key in ("pde", "darkbox")
    ]
    monkeypatch.setattr(registry, "_found", lambda: registry._Found(stages, broken))


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_opens_without_the_stages_of_the_campaign(
    browser_client: Client, campaign: SimpleNamespace, off: None, language: str
) -> None:
    browser_client.cookies.load({"django_language": language})
    pages = addresses(campaign)
    del pages["limit_edit"], pages["procedure_write"]  # of what is not there
    run, device = campaign.run.pk, campaign.devices[0].serial
    pages |= {
        "report": f"/devices/{device}/report.pdf",
        "explore": f"/runs/{run}/explore/?quantity=gain_adc",
        "cell": f"/runs/{run}/cell/?slot=1&channel=0",
        "devices of it": "/devices/?stage=pde&outcome=pass",
        "runs of it": "/runs/?stage=pde",
        "station": "/stations/pde-1/",
    }
    for name, address in pages.items():
        response = browser_client.get(address)
        assert response.status_code == 200, name
        if response.streaming:
            assert b"".join(response.streaming_content), name
    assert browser_client.get("/limits/new/pde/").status_code in (302, 404)


def test_stored_values_are_still_shown(
    browser_client: Client, campaign: SimpleNamespace, off: None
) -> None:
    assert Measurement.objects.exists()
    page = browser_client.get(f"/devices/{campaign.devices[0].serial}/").content.decode()
    assert "gain" in page.lower()
    page = browser_client.get(f"/runs/{campaign.run.pk}/explore/").content.decode()
    assert "Gain" in page
    assert "pde" in browser_client.get("/runs/").content.decode()


def test_about_says_what_is_off_and_why(browser_client: Client, off: None) -> None:
    page = browser_client.get("/about/").content.decode()
    assert "The stage pde of mppcqa-pde 1.2 is switched off" in page
    assert "libLamp.so" in page
    assert "hunter2" not in page
    assert "stage2" in page
    assert "/about/" in browser_client.get("/").content.decode()


def test_starting_a_run_of_it_is_refused_with_words(
    browser_client: Client, campaign: SimpleNamespace, off: None
) -> None:
    before = Run.objects.count()
    answer = browser_client.post("/stations/darkbox-1/start/", {}, follow=True)
    assert "switched off" in answer.content.decode()
    assert Run.objects.count() == before
    assert Path(get_stage("iv").program()[0]).exists()
