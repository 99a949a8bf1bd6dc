"""What programs and routines say can be anything; it ends nothing, and no secret gets out."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.context import MAX_MESSAGES, MAX_NOTICES
from mppcqa.queue.ends import deliver_left, folder
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import Notice, State, Task, queue_name
from mppcqa.queue.output import MAX_COUNT, Odd, Progress, parse
from mppcqa.queue.runner import work
from mppcqa.queue.untrusted import HIDDEN, RedactingFormatter, redact, redact_command, told

pytestmark = pytest.mark.django_db(transaction=True)


def run_all() -> int:
    return work("test:1", [queue_name("work")], lambda: False)


def done(name: str, arguments: dict[str, object], by: User | None = None) -> Task:
    task = submit(name, arguments, by=by)
    run_all()
    task.refresh_from_db()
    return task


def log_of(task: Task) -> str:
    return log_path(task.pk, task.attempt).read_text("utf-8", "replace")


def said(folder: Path, data: bytes, by: User | None = None) -> Task:
    path = folder / "output"
    path.write_bytes(data)
    return done("test.say", {"path": str(path)}, by)


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana", email="ana@example.org")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"@progress 99999999999/1", "more than all"),
        (b"@progress 1/" + b"9" * 5000, "more than 18 digits"),
        (b"@progress nan/1", "can't be read"),
        (b"@progress -1/5", "can't be read"),
        ("@progress ٣/٤".encode(), "can't be read"),
        (b"@progress", "can't be read"),
        (b"@message", "can't be read"),
        (b"@lost x", "@lost x"),
        (b"@message warning two\rheaders: of a mail\x0b\x85", "headers"),
        (b"@message warning \x00\xff\xfe\x1b[31mred", "red"),
        (b"@message warning " + b"x" * 9000, "xxx"),
        (b"@message " + b"l" * 500 + b" level", "level"),
        ("@message error \U0001f4a5 \ud7ff\uffff".encode(), "\U0001f4a5"),
    ],
)
def test_odd_lines_are_told_and_end_nothing(
    tmp_path: Path, ana: User, line: bytes, words: str
) -> None:
    task = said(tmp_path, line + b"\n@progress 3/4 going on\nthe last line\n", ana)
    assert (task.state, task.result, task.error_text) == (State.SUCCEEDED, {"status": 0}, "")
    assert (task.progress_done, task.progress_total, task.progress_text) == (3, 4, "going on")
    text = log_of(task)
    assert words in text
    assert "the last line" in text


def test_a_bar_of_very_many_keeps_its_share(tmp_path: Path) -> None:
    task = said(tmp_path, b"@progress 60000000000/80000000000 events\n")
    assert task.progress_total <= MAX_COUNT
    assert task.progress_done / task.progress_total == pytest.approx(0.75)


LINES = st.one_of(
    st.binary(max_size=300),
    st.tuples(
        st.sampled_from([b"@progress ", b"@message ", b"@lost ", b"@", b"password="]),
        st.one_of(
            st.binary(max_size=200),
            st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.tuples(st.integers(), st.integers()).map(lambda n: b"%d/%d x" % n),
            st.sampled_from(["warning ", "error "]).flatmap(
                lambda level: st.text(max_size=900).map(
                    lambda text: (level + text).encode("utf-8", "surrogatepass")
                )
            ),
        ),
    ).map(b"".join),
)


@given(lines=st.lists(LINES, max_size=60), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
@example(lines=[b"@progress 99999999999999999999/1", b"@message error \xed\xb0\x80"], end=b"\n")
@settings(max_examples=25)
def test_no_output_ends_its_task(tmp_path_factory, lines: list[bytes], end: bytes) -> None:
    person, _made = User.objects.get_or_create(username="eva", email="eva@example.org")
    task = said(tmp_path_factory.mktemp("said"), end.join([*lines, b"\nlast words\n"]), person)
    assert (task.state, task.result, task.error_text) == (State.SUCCEEDED, {"status": 0}, "")
    assert 0 <= task.progress_done <= task.progress_total <= MAX_COUNT
    assert "last words" in log_of(task)


@given(st.binary(max_size=500))
def test_a_line_is_understood_or_said_to_be_odd(line: bytes) -> None:
    for raw in (line, b"@progress " + line, b"@message " + line):
        try:
            found = parse(raw)
        except Odd as odd:
            told_why = str(odd)
        else:
            told_why = ""
            assert found is None or len(str(found)) < 10_000
            assert not isinstance(found, Progress) or found.done >= 0
        assert len(told_why) < 200


def test_a_line_of_a_hundred_megabytes_and_endless_messages(tmp_path: Path, ana: User) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        "import sys\n"
        "out = sys.stdout.buffer\n"
        "for _ in range(100): out.write(b'@message error ' * 70000)\n"
        "out.write(b'\\n')\n"
        "for n in range(20000): out.write(b'@message warning number %d\\n' % n)\n"
        "for n in range(20000): out.write(b'@progress 5/5 done\\n')\n"
        "for n in range(20000): out.write(b'@progress x\\n')\n"
        "out.write(b'@progress 7/8 almost\\nthe last line\\n')\n"
    )
    task = done("test.environment", {"argv": [sys.executable, str(path)]}, ana)
    assert (task.state, task.result) == (State.SUCCEEDED, {"status": 0})
    assert task.progress_text == "almost"
    # The long line asks once; what only goes on with it asks for nothing.
    assert task.messages.count() == MAX_MESSAGES
    assert task.messages.filter(text__contains="number").count() == MAX_MESSAGES - 1
    assert Notice.objects.filter(user=ana).count() == len(mail.outbox) == MAX_NOTICES
    assert "only in its log" in task.messages.last().text
    text = log_of(task)
    assert "number 19999" in text
    assert "the last line" in text
    assert text.count("something odd") < 30


def test_a_log_without_end_keeps_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mppcqa.queue import context

    # A copy of the supervisor that takes less, so that the test need not write 256 MB.
    short = tmp_path / "supervisor.py"
    short.write_text(context.SUPERVISOR.read_text().replace("256 << 20", "1 << 20"))
    for name in ("untrusted.py", "offspring.py"):
        (tmp_path / name).symlink_to(context.SUPERVISOR.with_name(name))
    monkeypatch.setattr(context, "SUPERVISOR", short)
    code = (
        "for n in range(100000): print('line', n)\nprint('@progress 9/9 x')\nprint('why it failed')"
    )
    task = done("test.program", {"code": code})
    assert task.progress_text == "x"
    text = log_of(task)
    assert len(text) < 2 << 20
    assert "Z line 100\n" in text
    assert "Z why it failed\n" in text
    assert "lines are left out" in text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("deep result", "nested more than"),
        ("surrogate result", "not plain JSON"),
        ("huge result", "at most"),
        ("surrogate error", "no file run-?.root"),
        ("huge error", "the supply tripped"),
        ("huge told error", "the supply tripped"),
        ("long class", "a class of its own"),
    ],
)
def test_ends_that_no_column_takes_are_told(kind: str, words: str, ana: User) -> None:
    task = done("test.odd_end", {"kind": kind}, ana)
    assert task.state == State.FAILED
    assert words in task.error_text
    assert task.attempts.get().error_text == task.error_text
    assert task.notices.exists()
    assert not list(folder().glob("*.json"))
    assert done("test.add", {"a": 1, "b": 1}).state == State.SUCCEEDED


def test_a_kept_end_that_no_database_takes_holds_up_nobody() -> None:
    """Written by another version, say: the heartbeat that delivers it must go on."""
    task = submit("test.add", {"a": 1, "b": 1})
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1)
    folder().mkdir(parents=True, exist_ok=True)
    for number, fields in enumerate([{"no_such_column": 1}, {"run_s": "long"}], 1):
        path = folder() / f"{task.pk}-{number}.json"
        record = {"task": task.pk, "attempt": 1, "state": "failed", "fields": fields}
        path.write_text(json.dumps(record))
    deliver_left()
    task.refresh_from_db()
    assert task.state == State.FAILED
    assert "could not be stored as it was" in task.error_text
    assert not list(folder().glob("*.json"))


@pytest.mark.parametrize(
    "arguments",
    [{"code": "\ud800"}, {"code": [[]] * 3000 + ["x" * 70_000]}],
    ids=["surrogate", "size"],
)
def test_arguments_that_no_database_takes_are_refused(arguments: dict[str, object]) -> None:
    from mppcqa.queue.errors import SubmitError

    with pytest.raises(SubmitError, match="not plain JSON, or too much"):
        submit("test.program", arguments)


SECRETS = [
    ("mysql://mppcqa:hunter2@db:3306/x", "hunter2"),
    ("amqp://guest:pa/ss@wd@broker/v", "wd@"),
    ("https://ghp0token@example.org/x.git", "ghp0token"),
    ("password=hunter2", "hunter2"),
    ('{"db_password": "hunter2 and more", "a": 1}', "hunter2"),
    ("PASSWD : hunter2", "hunter2"),
    ("API_KEY=hunter2 next", "hunter2"),
    ("Authorization: Bearer hunter2hunter2", "hunter2"),
    ("sent bearer hunter2hunter2.x", "hunter2"),
    ("measure --db-password hunter2 --bias 71", "hunter2"),
    ("--token=hunter2", "hunter2"),
    ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_what_looks_like_a_secret_is_hidden_in_logs(tmp_path: Path, text: str, secret: str) -> None:
    assert secret not in redact(text)
    task = said(tmp_path, f"before\n{text}\n@message warning {text}\nafter 71.5 V\n".encode())
    shown = log_of(task)
    assert secret not in shown
    assert HIDDEN in shown
    assert "before" in shown
    assert "after 71.5 V" in shown
    assert secret not in task.messages.get().text


@pytest.mark.parametrize(
    "text",
    [
        "bias 71.5 V, gain 30.2 ADC/p.e.",
        "https://example.org/a?b=c",
        "mail ana@example.org",
        "see http://127.0.0.1:8000/runs/3/",
        "passed 16 of 16; keyset page; monkey",
        "point 3/64: T = 20.1 °C",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=2000), st.integers(10, 300))
def test_told_text_fits_anywhere(text: str, limit: int) -> None:
    shown = told(text, limit)
    assert len(shown) <= limit
    shown.encode()
    assert "\x00" not in shown


def test_a_program_gets_a_short_environment(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setenv("MPPCQA_DATABASE", "mysql://mppcqa:hunter2@db/x")
    monkeypatch.setenv("MPPCQA_SECRET_KEY", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("ROOTSYS", "/opt/root")
    monkeypatch.setenv("TZ", "UTC")
    settings.MPPCQA_PROGRAM_VARIABLES = ["ROOTSYS"]
    code = "import json, os; print('has', json.dumps(dict(os.environ)))"
    task = done("test.program", {"code": code})
    (line,) = (line for line in log_of(task).splitlines() if "Z has " in line)
    has = json.loads(line.split(" has ")[1])
    assert has.keys() >= {"PATH", "ROOTSYS", "TZ"}
    assert not {name for name in has if name.startswith("MPPCQA_") or "SECRET" in name}
    assert "hunter2" not in line
    assert len(has) < 16


def test_make_safe_gets_no_secrets_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mppcqa.queue.programs import make_safe

    monkeypatch.setenv("MPPCQA_BROKER", "amqp://guest:hunter2@b")
    lines: list[str] = []
    code = "import os, sys; print(sorted(os.environ)); sys.stdout.buffer.write(b'\\xff')"
    argv = [sys.executable, "-c", code, "--password", "hunter2"]
    assert make_safe(argv, lines.append) == ""
    assert "MPPCQA_BROKER" not in " ".join(lines)
    assert "hunter2" not in " ".join(lines)


def test_our_own_settings_are_never_allowed_for_programs() -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "tasks"],
        env={**os.environ, "MPPCQA_PROGRAM_VARIABLES": "TERM,MPPCQA_BROKER"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "MPPCQA_PROGRAM_VARIABLES names MPPCQA_BROKER" in done.stderr


def test_arguments_that_look_like_secrets_reach_no_page_and_no_log(
    operator: User, client: Client
) -> None:
    argv = ["true", "--password", "hunter2", "--at", "mysql://m:hunter2@db/x"]
    task = done("test.environment", {"argv": argv})
    assert "hunter2" not in log_of(task)
    assert "--at" in log_of(task)
    assert redact_command(argv) in log_of(task)
    client.force_login(operator)
    page = client.get(f"/queue/{task.pk}/").content.decode()
    assert "hunter2" not in page
    with connection.cursor() as cursor:
        cursor.execute("SELECT arguments FROM queue_task WHERE id = %s", [task.pk])
        assert "hunter2" in cursor.fetchone()[0]  # a repeat must still work


def test_tracebacks_and_the_programs_own_log_hide_them_too(caplog) -> None:
    code = "raise SystemExit('can not reach amqp://guest:hunter2@broker/')"
    task = done("test.program", {"code": code})
    assert "hunter2" not in log_of(task)
    record = logging.LogRecord("x", 30, "f", 1, "at %s", ("amqp://u:hunter2@b/",), None)
    assert "hunter2" not in RedactingFormatter("%(message)s").format(record)
