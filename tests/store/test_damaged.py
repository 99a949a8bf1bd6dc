"""What lies in the store is held against what was stored, wherever it is read."""

from __future__ import annotations

import http.client
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mppcqa.exchange.exports import ask_export
from mppcqa.inventory.attachments import attach
from mppcqa.runs.models import RunFile
from mppcqa.store.keeping import keeping
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import FileFault, glance, verify, whole_path
from tests.waiting import free_port, stop, wait_for_server

pytestmark = pytest.mark.timeout(600)


def flip(path: Path, at: int = 0, n: int = 64) -> None:
    """Turn bits of a file, as a bad disk does: neither size nor times tell of it."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        data = bytes(byte ^ 0xFF for byte in file.read(n))
        file.seek(at)
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def browser(operator: object) -> Client:
    client = Client()
    client.force_login(operator)
    return client


def test_a_run_file(browser: Client, campaign: SimpleNamespace) -> None:
    row = campaign.run.files.get()
    page, address = campaign.run.get_absolute_url(), row.get_absolute_url()
    content = Path(row.file.path).read_bytes()
    assert b"".join(browser.get(address).streaming_content) == content
    assert "is damaged" not in browser.get(page).content.decode()
    flip(Path(row.file.path))
    answer = browser.get(address, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "is damaged: what lies in the store is not what was stored" in answer.content.decode()
    assert "is damaged" in browser.get(page).content.decode()
    with pytest.raises(FileFault, match="fsck"), whole_path(row):
        pytest.fail("its bytes were given to an analysis")
    flip(Path(row.file.path))
    assert "is damaged" not in browser.get(page).content.decode()
    assert b"".join(browser.get(address).streaming_content) == content
    Path(row.file.path).unlink()
    assert "is not in the store" in browser.get(page).content.decode()
    assert "is not in the store" in browser.get(address, follow=True).content.decode()


def test_an_attachment_and_an_export(browser: Client, campaign: SimpleNamespace) -> None:
    pdf = attach(campaign.devices[0], SimpleUploadedFile("a.pdf", b"%PDF-1.4" + b"x" * 500))
    export = ask_export("devices", "csv", {}, by=browser.get("/").wsgi_request.user)
    for row, address, told in (
        (pdf, f"/attachments/{pdf.pk}/", "a.pdf is damaged"),
        (export, f"/exports/{export.pk}/", "ask for it again"),
    ):
        answer = browser.get(address)
        assert b"".join(answer.streaming_content) == Path(row.file.path).read_bytes()
        flip(Path(row.file.path))
        assert told in browser.get(address, follow=True).content.decode()


def test_the_explorer_shows_nothing_of_a_damaged_file(
    browser: Client, campaign: SimpleNamespace
) -> None:
    row = campaign.run.files.get()
    flip(Path(row.file.path))
    page = browser.get(f"/runs/{campaign.run.pk}/monitor/")
    assert "is damaged" in page.content.decode()


def test_a_copy_that_is_kept_again_takes_the_place_of_a_damaged_one(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    from mppcqa.runs.files import save_file

    row = campaign.run.files.get()
    content = Path(row.file.path).read_bytes()
    (tmp_path / "again.root").write_bytes(content)
    flip(Path(row.file.path))
    assert glance(row) is not None
    again = save_file(tmp_path / "again.root", kind=RunFile.Kind.RUN, run=None)
    assert again.pk == row.pk
    verify(again)
    assert Path(again.file.path).read_bytes() == content
    assert not StoredFault.objects.filter(name=again.file.name).exists()


BIG = 80 << 20


@pytest.fixture
def web(transactional_db: None) -> Iterator[int]:
    """A real web server on the tests' database; its port."""
    from mppcqa.cli.run import web_server
    from tests.workers import child_environment

    port = free_port()
    log = Path(settings.MPPCQA_HOME) / "web.log"
    with log.open("ab") as said:
        server = subprocess.Popen(
            web_server("127.0.0.1", port), env=child_environment(), stdout=said, stderr=said
        )
    try:
        wait_for_server(server, port, log)
        yield port
    finally:
        stop(server)


@pytest.mark.django_db(transaction=True)
def test_a_large_download_that_turns_out_damaged_is_cut(
    web: int, campaign: SimpleNamespace
) -> None:
    """Over a real server: the bytes go out while they are read, and never to the end."""
    content = os.urandom(BIG)
    with keeping(BytesIO(content), "runs", ".root") as kept:
        row = RunFile.objects.create(
            file=kept.name,
            sha256=kept.sha256,
            size=kept.size,
            original_name="large.root",
            run=campaign.run,
        )
    client = Client()
    assert client.login(username="rosa", password="finger-spectrum-9")
    cookies = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}

    def download() -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", web, timeout=120)) as link:
            link.request("GET", row.get_absolute_url(), headers=cookies)
            with link.getresponse() as answer:
                assert answer.status == 200
                assert int(answer.headers["Content-Length"]) == BIG
                return answer.read()

    assert download() == content
    flip(Path(row.file.path), BIG // 2)
    with pytest.raises(http.client.IncompleteRead):
        download()
    # From now on it is known, and told before anything is sent.
    assert "is damaged" in client.get(campaign.run.get_absolute_url()).content.decode()
    assert client.get(row.get_absolute_url()).status_code == 302
