"""Nobody fills the server's disk: within a day so much is taken of a person or a station."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client, RequestFactory
from django.utils import timezone

from mppcqa.api.limits import brings_file
from mppcqa.api.urls import api
from mppcqa.inventory.models import Device
from mppcqa.people.models import Uploaded
from mppcqa.people.uploads import FREE_BYTES, charge
from mppcqa.runs.brought import folder_of
from tests.api.conftest import Program, program_of

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1_000_000


@pytest.fixture(autouse=True)
def quota(settings: Any) -> None:
    settings.MPPCQA_UPLOADS_GB = 1e-3  # a megabyte


def piece(program: Program, data: bytes, offset: int, whole: bytes) -> Any:
    name = hashlib.sha256(whole).hexdigest()
    return program.client.put(
        f"/api/v1/uploads/{name}?offset={offset}&size={len(whole)}",
        data,
        content_type="application/octet-stream",
        headers={**program.headers, "X-Piece-SHA256": hashlib.sha256(data).hexdigest()},
    )


def test_what_is_too_much_is_refused_and_comes_the_next_day_from_where_it_was(
    campaign: SimpleNamespace, operator: User
) -> None:
    program, whole = program_of(operator), bytes(range(256)) * 6250  # 1.6 MB
    half = 800_000
    assert piece(program, whole[:half], 0, whole).json()["size"] == half
    refused = piece(program, whole[half:], half, whole)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 600
    said = refused.json()["detail"]
    assert "You have brought 0.8 MB within a day, and 1.0 MB are taken" in said
    assert "you still have it" in said
    assert "MPPCQA_UPLOADS_GB" in said
    # What came stays; of the rest nothing was kept or counted.
    [part] = folder_of(operator).glob(".*.part")
    assert part.stat().st_size == half
    assert [row.size for row in Uploaded.objects.all()] == [half]
    # Somebody else has a day of their own.
    other = User.objects.create_superuser("ana")
    assert piece(program_of(other), whole[:half], 0, whole).status_code == 200
    Uploaded.objects.update(hour=timezone.now() - dt.timedelta(hours=25))
    done = piece(program, whole[half:], half, whole)
    assert done.json() == done.json() | {"size": len(whole), "whole": True}


def test_a_page_says_what_is_the_matter_and_keeps_nothing(
    campaign: SimpleNamespace, client: Client, operator: User
) -> None:
    client.force_login(operator)
    device = Device.objects.order_by("pk")[0]
    before = sorted(Path(folder_of(operator)).parents[1].rglob("*.bin"))

    def attach(size: int) -> Any:
        file = SimpleUploadedFile("trace.txt", b"a" * size, content_type="text/plain")
        return client.post(f"/devices/{device.serial}/attach/", {"file": file})

    assert attach(2 * MB).status_code == 429
    page = attach(2 * MB)
    text = page.content.decode()
    assert "Too much for today" in text
    assert "This is 2.0 MB, and within a day 1.0 MB are taken" in text
    assert device.attachments.count() == 0
    assert sorted(Path(folder_of(operator)).parents[1].rglob("*.bin")) == before
    # Small ones go on, and nothing was counted of what was refused.
    assert attach(1000).status_code < 400
    assert 1000 < Uploaded.objects.get().size < 3000


def test_small_things_are_not_counted_and_zero_is_no_bound(settings: Any) -> None:
    for _n in range(20):
        assert charge("person 1", FREE_BYTES - 1) is None
    settings.MPPCQA_UPLOADS_GB = 0
    assert charge("person 1", 10**15) is None
    assert not Uploaded.objects.exists()


def test_of_files_every_byte_counts_in_however_small_pieces(
    campaign: SimpleNamespace, operator: User, client: Client, settings: Any
) -> None:
    settings.MPPCQA_UPLOADS_GB = 1e-5  # 10 kB
    program, whole = program_of(operator), bytes(range(256)) * 100
    took = [
        piece(program, whole[at : at + 3000], at, whole).status_code for at in range(0, 15000, 3000)
    ]
    assert took == [200, 200, 200, 429, 429]
    [part] = folder_of(operator).glob(".*.part")
    assert part.stat().st_size == 9000
    client.force_login(operator)
    file = SimpleUploadedFile("trace.txt", b"a" * 3000, content_type="text/plain")
    device = Device.objects.order_by("pk")[0]
    assert client.post(f"/devices/{device.serial}/attach/", {"file": file}).status_code == 429
    assert device.attachments.count() == 0


def test_each_operation_that_takes_a_file_counts_as_one(rf: RequestFactory) -> None:
    found = 0
    for address, ways in api.get_openapi_schema()["paths"].items():
        for method, told in ways.items():
            file = "application/octet-stream" in told.get("requestBody", {}).get("content", {})
            if file or method in ("post", "patch"):
                assert brings_file(rf.generic(method.upper(), address)) == file, (method, address)
            found += file
    assert found >= 2


def test_two_at_once_do_not_both_get_the_last_of_it() -> None:
    assert charge("station 1", 500_000) is None
    took = []

    def one() -> None:
        took.append(charge("station 1", 400_000) is None)
        connections.close_all()

    threads = [threading.Thread(target=one) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(took) <= 1
    assert Uploaded.objects.get().size <= MB


def test_what_counted_two_days_ago_is_forgotten() -> None:
    long_ago = timezone.now() - dt.timedelta(days=3)
    Uploaded.objects.create(who="person 9", hour=long_ago, size=5)
    assert charge("person 1", 500_000) is None
    assert not Uploaded.objects.filter(who="person 9").exists()


def test_a_station_waits_and_brings_it_later(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its program reads from the refusal is that the server takes nothing now."""
    from mppcqa.station.link import Away, Link

    link = Link("http://127.0.0.1:1", Path("/dev/null"), "x")
    found = charge("station 1", 2 * MB)
    assert found is not None
    with pytest.raises(Away, match="within a day") as told:
        link._refuse(429, {"detail": found.text}, str(found.wait_s))
    assert told.value.after_s == found.wait_s
