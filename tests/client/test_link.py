"""What the client does when the way to the server is bad, against a server that behaves so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mppcqa.client import Away, BadToken, Client, NotThere, Refused
from mppcqa.client import _asking as asking

FILE = bytes(range(256)) * 64


class Answers:
    """What is answered, one after the other, and what was asked."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.address = ""

    def give(self, status: int, body: Any = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.waiting.append((status, data, headers))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    monkeypatch.setattr(asking, "FIRST_PAUSE_S", 0.01)
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            answers.asked.append((self.command, self.path, dict(self.headers)))
            status, data, headers = answers.waiting.pop(0)
            cut = headers.pop("cut", "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(data[: int(cut)] if cut else data)
            if cut:
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_arguments: Any) -> None: ...

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    answers.address = f"http://127.0.0.1:{made.server_address[1]}"
    yield answers
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_change_is_sent_again_with_the_same_key_while_the_server_is_away(server: Answers) -> None:
    server.give(503, {"detail": "away"}, Retry_After="0")
    server.give(429, {"detail": "too often"}, Retry_After="0")
    server.give(200, {"rows": [{"serial": "A", "done": "registered"}]})
    client = Client(server.address, "t")
    assert client.register([{"serial": "A"}]) == [{"serial": "A", "done": "registered"}]
    keys = {headers["Idempotency-Key"] for _method, _path, headers in server.asked}
    assert len(server.asked) == 3
    assert len(keys) == 1
    server.give(200, {"rows": []})
    client.register([{"serial": "B"}])
    assert server.asked[-1][2]["Idempotency-Key"] not in keys


def test_who_is_away_for_long_is_told_so(server: Answers) -> None:
    for _time in range(2):
        server.give(503, {"detail": "The database does not answer."}, Retry_After="0")
    with pytest.raises(Away, match="2 tries: The database"):
        Client(server.address, "t", tries=2).me()
    with pytest.raises(Away):
        Client("http://127.0.0.1:9", "t", tries=1).me()


def test_a_refusal_names_field_and_row_and_is_not_sent_again(server: Answers) -> None:
    client = Client(server.address, "t")
    faults = [{"field": "serial", "message": "twice", "row": 3}]
    for status, kind in ((409, Refused), (404, NotThere), (401, BadToken)):
        server.give(status, {"detail": "No.", "errors": faults})
        with pytest.raises(kind, match="No") as told:
            client.device("A/B")
        assert [(one.field, one.row) for one in told.value.faults] == [("serial", 3)]
    assert [path for _method, path, _headers in server.asked] == ["/api/v1/devices/A%2FB"] * 3


def test_pages_follow_each_other_to_the_last(server: Answers) -> None:
    server.give(200, {"items": [{"serial": "A"}], "next": "A"})
    server.give(200, {"items": [{"serial": "B"}], "next": None})
    found = [one["serial"] for one in Client(server.address, "t").devices(lot="L 7")]
    assert found == ["A", "B"]
    assert "lot=L+7" in server.asked[0][1]
    assert "after=A" in server.asked[1][1]


def test_a_stream_that_is_cut_off_is_never_taken_for_whole(server: Answers, tmp_path: Path) -> None:
    batch = pa.record_batch({"value": list(range(5000))})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        for _time in range(20):
            stream.write_batch(batch)
    data = sink.getvalue().to_pybytes()
    server.give(200, data, cut="300000")
    server.give(200, data)
    table = Client(server.address, "t", tries=2).measurements().arrow()
    assert len(table) == 100_000
    server.give(200, data, cut="300000")
    with pytest.raises(Away):
        list(Client(server.address, "t", tries=1).measurements().batches())
    server.give(200, data, cut="300000")
    with pytest.raises(Away):
        Client(server.address, "t").measurements().save(tmp_path / "v.arrows")
    assert not list(tmp_path.iterdir())


def test_a_download_goes_on_where_it_was_cut_off(server: Answers, tmp_path: Path) -> None:
    import hashlib

    server.give(200, FILE, cut="5000")
    server.give(206, FILE[5000:])
    whole = hashlib.sha256(FILE).hexdigest()
    found = Client(server.address, "t").download(7, tmp_path / "run.root", whole)
    assert found.read_bytes() == FILE
    assert server.asked[1][2]["Range"] == "bytes=5000-"
    server.give(200, FILE[:-1] + b"x")
    with pytest.raises(ValueError, match="damaged"):
        Client(server.address, "t").download(7, tmp_path / "other.root", whole)
    assert [one.name for one in tmp_path.iterdir()] == ["run.root"]


def test_the_client_needs_no_django(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import mppcqa.client, sys; print([m for m in ('django', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "[]"
