"""The address of the database: its options count, on a real server with TLS and one without."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from mppcqa.project.database import database_settings
from mppcqa.queue import submit
from mppcqa.queue.models import State, Task
from tests.databases import command
from tests.queue import routines  # noqa: F401
from tests.waiting import free_port, stop, until
from tests.workers import child_environment, database_url, running_worker, wait_until

on_mariadb = pytest.mark.skipif(
    "mysql" not in os.environ.get("MPPCQA_DATABASE", ""), reason="needs MariaDB"
)
CIPHER = (
    "from django.db import connection as c; k = c.cursor(); "
    "k.execute(\"SHOW STATUS LIKE 'Ssl_cipher'\"); print('cipher:', k.fetchone()[1])"
)


def made(address: str, **more: bool) -> tuple[dict[str, object], list[str]]:
    return database_settings(
        address, Path("/home"), **{"local_files": False, "pymysql": True} | more
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("ssl_mood=REQUIRED", "option ssl_mood, which is not known for mysql. Known are: ssl_mode"),
        ("local_infile=1", "local_infile, which is not known"),
        ("charset=latin1", "charset, which is not known"),
        ("ssl_mode=ON", "ssl_mode=ON; known are DISABLED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"),
        ("ssl_mode=", "ssl_mode without a value"),
        ("ssl_mode=REQUIRED&ssl_mode=DISABLED", "ssl_mode twice"),
        ("ssl_mode=VERIFY_IDENTITY", "without ssl_ca"),
        ("ssl_ca=/no/such/file.pem", "ssl_ca=/no/such/file.pem, which is no file"),
        ("connect_timeout=soon", "whole number of seconds"),
        ("connect_timeout=²", "whole number of seconds"),
    ],
)
def test_what_is_not_understood_is_refused_without_the_password(query: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        made(f"mysql://rosa:hunter2@db.example.org/x?{query}")
    assert said in str(error.value)
    assert "hunter2" not in str(error.value)


def test_other_databases_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="begins with postgres://"):
        made("postgres://rosa:hunter2@db/x")


def test_options_join_what_the_program_needs(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("-")
    address = f"mysql://rosa:pw@db.example.org:3307/x?ssl_ca={ca}&connect_timeout=7"
    settings, warnings = made(address)
    options = settings["OPTIONS"]
    assert isinstance(options, dict)
    assert options["connect_timeout"] == 7
    assert options["ssl_ca"] == str(ca)
    assert options["ssl_verify_cert"] is True
    assert options["charset"] == "utf8mb4"
    assert "STRICT_TRANS_TABLES" in options["init_command"]
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example.org", 3307, "x")
    assert warnings == []
    other, _warnings = made(address, pymysql=False)
    assert isinstance(other["OPTIONS"], dict)
    assert other["OPTIONS"]["ssl_mode"] == "VERIFY_CA"
    assert other["OPTIONS"]["ssl"] == {"ca": str(ca)}
    lite, _warnings = made("sqlite:////srv/a/b.sqlite3?timeout=3")
    assert lite["NAME"] == "/srv/a/b.sqlite3"
    assert isinstance(lite["OPTIONS"], dict)
    assert lite["OPTIONS"]["timeout"] == 3
    assert lite["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("db.example.org/x", True),
        ("10.0.0.7/x", True),
        ("db.example.org/x?ssl_mode=DISABLED", True),
        ("db.example.org/x?ssl_mode=REQUIRED", False),
        ("127.0.0.1:3306/x", False),
        ("localhost/x", False),
        ("db.example.org/x?unix_socket=/run/mysqld/mysqld.sock", False),
    ],
)
def test_a_database_elsewhere_without_tls_is_told(tmp_path: Path, place: str, told: bool) -> None:
    environment = os.environ | {
        "MPPCQA_DATABASE": f"mysql://rosa:hunter2@{place}",
        "MPPCQA_HOME": str(tmp_path),
    }
    code = "import mppcqa.project.settings"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ("is reached without TLS" in answer.stderr) is told
    assert "hunter2" not in answer.stderr


def certificates(folder: Path) -> None:
    """An authority of our own, a server's certificate by it, and an authority that nobody knows."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "stranger"):
        openssl(*("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"),
                f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
    openssl(*("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=database"),
            "-keyout", "server.key", "-out", "server.csr")  # fmt: skip
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(*("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days"),
            "2", "-CAcreateserial", "-extfile", "names", "-out", "server.pem")  # fmt: skip


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is part of MariaDB's server, which this suite has"
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A MariaDB server that speaks TLS, of this test alone."""
    folder = tmp_path_factory.mktemp("tls")
    certificates(folder)
    me = f"--user={getpass.getuser()}"
    subprocess.run(
        [program("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data", me,
         "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, capture_output=True,
    )  # fmt: skip
    first = folder / "first.sql"
    first.write_text(
        "CREATE DATABASE tls;\nCREATE USER ana@'127.0.0.1' IDENTIFIED BY 'pw-of-ana';\n"
        "GRANT ALL ON tls.* TO ana@'127.0.0.1';\n"
    )
    port = free_port()
    log = (folder / "log").open("w")
    server = subprocess.Popen(
        [program("mariadbd"), "--no-defaults", f"--datadir={folder}/data", me, f"--port={port}",
         "--bind-address=127.0.0.1", f"--socket={folder}/s", f"--pid-file={folder}/pid",
         f"--ssl-ca={folder}/ca.pem", f"--ssl-cert={folder}/server.pem",
         f"--ssl-key={folder}/server.key", f"--init-file={first}", "--skip-name-resolve=1"],
        stdout=subprocess.DEVNULL, stderr=log,
    )  # fmt: skip
    try:
        until(lambda: server.poll() is not None or _answers(port), "the server answers")
        assert server.poll() is None, (folder / "log").read_text()[-2000:]
        yield SimpleNamespace(folder=folder, port=port)
    finally:
        stop(server)
        log.close()


@on_mariadb
@pytest.mark.parametrize(
    ("query", "spoken"),
    [
        ("ssl_mode=VERIFY_IDENTITY&ssl_ca={folder}/ca.pem", True),
        ("ssl_ca={folder}/ca.pem", True),
        ("ssl_mode=REQUIRED", True),
        ("ssl_mode=DISABLED", False),
        ("ssl_mode=VERIFY_CA&ssl_ca={folder}/stranger.pem", None),
    ],
)
def test_tls_is_spoken_as_the_address_says(
    tls_server: SimpleNamespace, tmp_path: Path, query: str, spoken: bool | None
) -> None:
    query = query.format(folder=tls_server.folder)
    address = f"mysql://ana:pw-of-ana@127.0.0.1:{tls_server.port}/tls?{query}"
    environment = os.environ | {"MPPCQA_DATABASE": address, "MPPCQA_HOME": str(tmp_path)}
    answer = command(environment, "django", "shell", "-c", CIPHER)
    if spoken is None:
        assert answer.returncode != 0
        assert "certificate verify failed" in answer.stderr
        return
    assert answer.returncode == 0, answer.stderr[-2000:]
    cipher = answer.stdout.rpartition("cipher:")[2].strip()
    assert bool(cipher) is spoken


@on_mariadb
@pytest.mark.django_db(transaction=True)
def test_tls_that_was_asked_for_is_never_left_out(tmp_path: Path) -> None:
    """The server of the suite speaks none: rather no connection than an open one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@have_ssl")
        if cursor.fetchone()[0] == "YES":
            pytest.skip("the suite's server speaks TLS")
    address = f"{database_url()}?ssl_mode=REQUIRED"
    environment = child_environment(MPPCQA_DATABASE=address, MPPCQA_HOME=str(tmp_path))
    answer = command(environment, "django", "shell", "-c", CIPHER)
    assert answer.returncode != 0
    assert "SSL is required" in answer.stderr
    assert "cipher:" not in answer.stdout


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A table of numbers, and a file of three rows for it."""
    path = tmp_path / "rows.tsv"
    path.write_text("1\t0.5\n2\t0.25\n3\t0.125\n")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS local_files_probe")
        cursor.execute("CREATE TABLE local_files_probe (a INTEGER PRIMARY KEY, b DOUBLE)")
    yield SimpleNamespace(path=path, table="local_files_probe")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE local_files_probe")


def rows_there() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM local_files_probe")
        (n,) = cursor.fetchone()
        return int(n)


LOAD = "c.cursor().execute(\"LOAD DATA LOCAL INFILE '{path}' INTO TABLE local_files_probe\")"
MANY = (
    "import numpy as np; from mppcqa.database.number_rows import insert_rows; "
    "insert_rows('local_files_probe', {'a': np.arange(10, 2510), 'b': np.arange(2500) / 8})"
)


@on_mariadb
@pytest.mark.django_db(transaction=True)
def test_the_web_server_hands_no_file_to_the_database_but_takes_tables_in(
    probe: SimpleNamespace,
) -> None:
    begin = "import mppcqa.project.wsgi; from django.db import connection as c; "
    web = [sys.executable, "-c"]
    load = begin + LOAD.format(path=probe.path)
    refused = subprocess.run(
        [*web, load], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "OperationalError" in refused.stderr
    assert rows_there() == 0
    taken = subprocess.run(
        [*web, begin + MANY], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert taken.returncode == 0, taken.stderr[-2000:]
    assert rows_there() == 2500


@on_mariadb
@pytest.mark.django_db(transaction=True)
def test_commands_and_workers_hand_files_to_the_database(probe: SimpleNamespace) -> None:
    code = "from django.db import connection as c; " + LOAD.format(path=probe.path)
    answer = command(child_environment(), "django", "shell", "-c", code)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert rows_there() == 3
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM local_files_probe")
    with running_worker("--concurrency", "1", routines="tests.queue.routines"):
        task = submit("test.load_local", {"table": probe.table, "path": str(probe.path)})

        def done() -> bool:
            return Task.objects.get(pk=task.pk).state in (State.SUCCEEDED, State.FAILED)

        wait_until(done)
    found = Task.objects.get(pk=task.pk)
    assert found.state == State.SUCCEEDED, found.error_text
    assert rows_there() == 3
