"""What ``mppcqa station --check`` says: what is right, what is wrong, and what to do."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mppcqa.cli.station import station

LIST = """[station]
run_as_root = true
least_free_mb = 0
[programs.simulated]
command = ["{python}", "-c", "pass"]
stages = ["darkbox"]
"""


@dataclass
class Answer:
    """What a server says to whatever is asked."""

    address: str
    status: int = 200
    body: bytes = b'{"order": null}'


@pytest.fixture
def server() -> Iterator[Answer]:
    answer = Answer("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_arguments: object) -> None: ...

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    answer.address = f"http://127.0.0.1:{served.server_port}"
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield answer
    served.shutdown()
    served.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("token", "a-token"), ("programs.toml", LIST)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def checked(folder: Path, address: str) -> Result:
    given = ["--server", address, "--token", str(folder / "token"), "--check"]
    return CliRunner().invoke(station, given)


@pytest.mark.parametrize(
    ("status", "said"), [(200, "knows this computer"), (409, "says hello when it is started")]
)
def test_where_all_is_right_it_says_so_and_how_to_go_on(
    server: Answer, folder: Path, status: int, said: str
) -> None:
    server.status = status
    done = checked(folder, server.address)
    assert done.exit_code == 0, done.output
    assert said in done.output
    assert "program simulated (darkbox)" in done.output
    assert done.output.splitlines()[-1] == (
        "All is right: the same command without --check starts it."
    )
    assert not (folder / "spool").exists()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"detail": "Show a token that counts."}, "does not count: it ended"),
        (403, {"detail": "Not today."}, "Not today."),
        (200, [], "is it the address of its pages"),
        (502, [], "which is no answer of mppcqa"),
    ],
)
def test_what_the_server_does_not_take_is_told(
    server: Answer, folder: Path, status: int, body: object, said: str
) -> None:
    server.status, server.body = status, json.dumps(body).encode()
    done = checked(folder, server.address)
    assert done.exit_code == 1
    assert said in done.output
    assert "All is right" not in done.output


def test_a_server_that_is_not_reached_is_told_in_words(folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    done = checked(folder, f"http://127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port} is not reached: nothing listens there." in done.output
    assert "HTTPConnection" not in done.output
    done = checked(folder, "http://nobody.invalid")
    assert "no computer of that name is known here" in done.output


def test_all_faults_are_told_at_once_each_with_what_to_do(server: Answer, folder: Path) -> None:
    server.status, server.body = 401, b'{"detail": "Show a token that counts."}'
    (folder / "token").chmod(0o644)
    (folder / "programs.toml").unlink()
    done = checked(folder, server.address)
    assert done.exit_code == 1
    assert f"chmod go= {folder / 'token'}" in done.output
    assert "write [programs.NAME] and a command there" in done.output
    assert "does not count" in done.output
    (folder / "token").unlink()
    done = checked(folder, server.address)
    assert "mppcqa token make STATION --to FILE" in done.output
    (folder / "programs.toml").write_text("station = 3")
    done = checked(folder, server.address)
    assert "write [station] and its settings below" in done.output
