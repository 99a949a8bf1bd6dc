"""Each request has a number and, where it is asked for, a line of the log that holds no secret."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mppcqa.audit.source import request_number
from mppcqa.people.actions import invite, way_in
from mppcqa.people.roles import ROLES
from mppcqa.project.logs import AsJson, Lines, Numbered
from mppcqa.web.untold import WithoutTokens

pytestmark = pytest.mark.django_db


def record_of(text: str, *told: Any, **more: Any) -> logging.LogRecord:
    record = logging.LogRecord("mppcqa.x", logging.WARNING, "x.py", 1, text, told, None)
    for name, value in more.items():
        setattr(record, name, value)
    Numbered().filter(record)
    return record


def test_a_line_says_who_and_what_and_never_what_was_typed(
    client: Client, operator: User, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(operator)
    client.get("/")  # in which the session learns who it is
    with caplog.at_level(logging.INFO, "mppcqa.access"):
        answer = client.get("/devices/?q=hunter2-secret")
        client.get("/static/none.css")
    [line] = [one for one in caplog.records if one.name == "mppcqa.access"]
    told = line.told  # type: ignore[attr-defined]
    assert told["method"] == "GET"
    assert (told["path"], told["status"]) == ("/devices/", 200)
    assert (told["user"], told["address"]) == (operator.username, "127.0.0.1")
    assert told["ms"] >= 0
    assert "hunter2" not in line.getMessage()
    assert re.fullmatch(r"[0-9a-f]{16}", answer["X-Request-ID"])


@pytest.mark.parametrize("end", ["/", "", ")/"])
@pytest.mark.parametrize("logger", ["mppcqa.access", "django.request"])
def test_a_link_that_sets_a_password_stands_in_no_line(
    client: Client, logger: str, end: str
) -> None:
    """Also where it was cut or is of nobody; as the handler of the settings writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    for one in (Numbered(), WithoutTokens()):
        handler.addFilter(one)
    log = logging.getLogger(logger)
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        made = invite("ana", ROLES["viewer"], by=None)
        path = reverse("person_comes", args=way_in(made)).rstrip("/")
        token = path.rpartition("/")[2]
        client.get(path + end)
        client.put(path + end)  # which is not allowed, and Django warns of
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
    said = stream.getvalue()
    assert "/welcome/" in said or (logger, end) == ("django.request", "")
    assert token not in said


def test_the_number_of_a_proxy_of_ours_is_taken_and_no_others(
    client: Client, settings: Any
) -> None:
    given = "0123456789abcdef0123456789abcdef"
    assert client.get("/login/", headers={"X-Request-ID": given})["X-Request-ID"] != given
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert client.get("/login/", headers={"X-Request-ID": given})["X-Request-ID"] == given
    for odd in ("short", "x" * 65, "a b c d e f g", "<svg onload=1>"):
        assert client.get("/login/", headers={"X-Request-ID": odd})["X-Request-ID"] != odd


def test_json_has_the_number_and_hides_what_is_secret() -> None:
    token = request_number.set("abc")
    try:
        record = record_of("no way: password=%s", "hunter2", told={"status": 500, "token": "t0p"})
    finally:
        request_number.reset(token)
    said = json.loads(AsJson().format(record))
    assert (said["request"], said["level"], said["status"]) == ("abc", "WARNING", 500)
    assert "hunter2" not in said["text"]
    assert said["token"] == "***"
    assert "\n" not in AsJson().format(record_of("a\nb"))


def test_what_somebody_sent_begins_no_line_of_the_log() -> None:
    lines = Lines("{asctime} {levelname}{of_request}: {message}", style="{")
    text = lines.format(record_of("GET %s", "/x\n2026-01-01 ERROR forged\r\n"))
    assert "\n" not in text
    assert "\r" not in text


def test_who_asks_by_a_name_that_is_not_listed_is_told_so(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLOWED_HOSTS = ["qa.example"]
    answer = client.get("/api/v1/me", HTTP_HOST="vm:8000")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "does not answer to “vm”" in answer.json()["detail"]
    assert "MPPCQA_HOSTS" in answer.json()["detail"]
    page = client.get("/", HTTP_HOST="<b>vm")
    assert page.status_code == 400
    assert "MPPCQA_HOSTS" in page.content.decode()
    assert "<b>vm" not in page.content.decode()
    # A line a minute, however often a station asks.
    told = [one for one in caplog.records if one.name.endswith("DisallowedHost")]
    assert len(told) <= 1
    for one in told:
        assert one.exc_info is None
        assert "MPPCQA_HOSTS" in one.getMessage()
