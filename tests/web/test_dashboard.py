"""Kept questions stand on a dashboard; what is chosen in one narrows the others, and leads on."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.columnar.models import SavedQuestion, Tile
from mppcqa.results.models import QuantityRow
from tests.campaign import make_campaign


def quantity(key: str) -> int:
    return QuantityRow.objects.get(stage="pde", key=key).pk


def spec(client: Client, address: str) -> dict[str, list[dict[str, object]]]:
    """What a tile's chart is drawn from."""
    page = client.get(address).content.decode()
    (found,) = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.S)
    return json.loads(html.unescape(found))["datasets"]


@pytest.fixture
def tiles(browser_client: Client, operator: User, tmp_path: Path, settings: Any) -> list[Tile]:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"
    make_campaign(operator)
    for name, key, kind in (("light", "pde", "box&by=device"), ("gain", "gain_adc", "histogram")):
        asked = f"q={quantity(key)}&kind={kind}"
        browser_client.post("/workbench/save/", {"asked": asked, "name": name})
    for row in SavedQuestion.objects.order_by("pk"):
        browser_client.post("/dashboard/arrange/", {"action": "add", "pk": row.pk})
    return list(Tile.objects.all())


def test_a_mark_of_one_question_narrows_the_other_and_leads_to_its_devices(
    browser_client: Client, tiles: list[Tile]
) -> None:
    light, gain = tiles
    boxes = spec(browser_client, f"/dashboard/{light.pk}/")["boxes"]
    bins = spec(browser_client, f"/dashboard/{gain.pk}/")["bins"]
    whole = sum(one["n"] for one in bins)
    box = boxes[0]
    path, _mark, asked = str(box["href"]).partition("?")
    assert path == "/dashboard/"
    page = html.unescape(browser_client.get(box["href"]).content.decode())
    assert f"/dashboard/{gain.pk}/?{asked}" in page
    some = spec(browser_client, f"/dashboard/{gain.pk}/?{asked}")["bins"]
    assert sum(one["n"] for one in some) == whole / len(boxes)
    # The question that the choice was made in stays whole.
    again = spec(browser_client, f"/dashboard/{light.pk}/?{asked}")["boxes"]
    assert len(again) == len(boxes) > 1
    # A bar stands for a range of its quantity, at its condition.
    address = str(bins[0]["href"])
    for part in (f"rq={quantity('gain_adc')}", "rat=", "rlow=", "rhigh=", f"tile={gain.pk}"):
        assert part in address
    assert spec(browser_client, address.replace("/?", f"/{light.pk}/?"))["boxes"]
    devices = re.search(r'href="(/workbench/\?[^"]*)"[^>]*>Its devices', page)[1]
    answer = browser_client.get(devices)
    assert answer.status_code == 200
    assert "/devices/GX-" in answer.content.decode() or "GX-" in answer.content.decode()


def test_a_dashboard_is_ones_own_in_ones_own_order(
    browser_client: Client, tiles: list[Tile]
) -> None:
    light, gain = tiles
    browser_client.post("/dashboard/arrange/", {"action": "earlier", "pk": gain.pk})
    assert [one.pk for one in Tile.objects.all()] == [gain.pk, light.pk]
    home = browser_client.get("/").content.decode()
    assert home.index(f"/dashboard/{gain.pk}/") < home.index(f"/dashboard/{light.pk}/")
    other = Client()
    other.force_login(User.objects.create_user("vera"))
    assert other.get(f"/dashboard/{gain.pk}/").status_code == 404
    other.post("/dashboard/arrange/", {"action": "remove", "pk": gain.pk})
    # What is not shared can't be put on another's; what is no longer shared leaves it.
    row = light.question
    assert other.post("/dashboard/arrange/", {"action": "add", "pk": row.pk}).status_code == 404
    SavedQuestion.objects.update(shared=True)
    other.post("/dashboard/arrange/", {"action": "add", "pk": row.pk})
    assert "light" in other.get("/dashboard/").content.decode()
    SavedQuestion.objects.update(shared=False)
    assert "h-tile" not in other.get("/dashboard/").content.decode()
    browser_client.post("/dashboard/arrange/", {"action": "remove", "pk": light.pk})
    assert [one.pk for one in Tile.objects.filter(user=gain.user)] == [gain.pk]
