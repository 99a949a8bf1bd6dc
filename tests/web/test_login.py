"""Who tries wrong passwords is held up, in every process, told, and written to the log."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest
from django.conf import global_settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings

from mppcqa.cli.run import web_server
from tests.waiting import PATIENCE_S, free_port, stop, wait_for_server
from tests.workers import child_environment

RIGHT = "finger-spectrum-9"


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """A slow hash is for those who stole the table; here it only takes time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def tried(name: str, password: str, address: str = "10.0.0.1") -> bool:
    """Whether somebody at an address got in."""
    client = Client(REMOTE_ADDR=address)
    client.post("/login/", {"login": name, "password": password})
    return bool(client.get("/").status_code == 200)


def test_the_right_password_is_refused_for_a_time_after_five_wrong_ones_and_that_is_told(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tried("rosa", RIGHT)
    for number in range(5):
        assert not tried("rosa", f"wrong {number}", address=f"10.0.0.{number}")
    assert not tried("rosa", RIGHT, address="10.0.1.1")
    page = Client().post("/login/", {"login": "ROSA ", "password": RIGHT}).content.decode()
    assert "Too many wrong passwords" in page
    assert "five minutes" in page
    assert RIGHT not in page
    monkeypatch.setattr(
        "allauth.core.internal.ratelimit.time.time", lambda now=time.time: now() + 301
    )
    assert tried("rosa", RIGHT)


def test_one_address_does_not_try_many_accounts(operator: User) -> None:
    for number in range(10):
        assert not tried(f"somebody-{number}", "guess")
    assert not tried("rosa", RIGHT)
    assert tried("rosa", RIGHT, address="10.0.0.2")


def test_an_account_has_one_count_however_its_name_is_written(operator: User) -> None:
    """MariaDB takes Rósa for rosa; SQLite does not, and there it is nobody's name."""
    same = User.objects.filter(username="Rósa").exists()
    assert same == (connection.vendor == "mysql")
    for number, name in enumerate(["rosa", "Rosa", "Rósa", "rösa", "ROSA"]):
        assert not tried(name, "wrong", address=f"10.0.0.{number}")
    if same:
        assert not tried("rosa", RIGHT, address="10.0.0.9")


def test_a_refused_log_in_stands_in_the_log_with_name_and_address_and_no_password(
    operator: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="mppcqa.login"):
        tried("rosa", "my-secret-guess", address="10.9.8.7")
        assert "rosa from 10.9.8.7" in caplog.text
        # Somebody's hands were quicker than the cursor: this is a password.
        tried(RIGHT, "rosa", address="10.9.8.6")
        assert "unknown name from 10.9.8.6" in caplog.text
        for _more in range(6):
            tried("rosa", "my-secret-guess", address="10.9.8.5")
        assert "not tried" in caplog.text
    assert "my-secret-guess" not in caplog.text
    assert RIGHT not in caplog.text


def test_an_empty_form_is_told_and_counts_for_nothing(operator: User) -> None:
    for _more in range(7):
        page = Client().post("/login/", {"login": "", "password": ""}).content.decode()
        assert "Give your user name" in page
    assert tried("rosa", RIGHT)


def test_a_password_is_changed_by_who_knows_it_and_tries_are_counted(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    new = {"password1": "avalanche-photo-7", "password2": "avalanche-photo-7"}
    answer = client.post("/password/", {"oldpassword": "wrong", **new})
    assert answer.status_code == 200
    assert client.post("/password/", {"oldpassword": RIGHT, **new}).status_code == 302
    assert "Your password is changed" in client.get("/password/done/", follow=True).content.decode()
    assert not tried("rosa", RIGHT)
    assert tried("rosa", "avalanche-photo-7")
    codes = [client.post("/password/", {"oldpassword": "no", **new}).status_code for _n in range(9)]
    assert codes[-1] == 429
    other = User.objects.create_user("ana")
    client.force_login(other)
    assert client.get("/password/", follow=True).status_code == 200


def test_nobody_signs_up() -> None:
    for address in ("/signup/", "/accounts/signup/", "/password/reset/"):
        assert Client().get(address).status_code in (302, 404)


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    """The web server as people run it, with all of its processes, on the test database."""
    port = free_port()
    log = Path(os.environ["MPPCQA_HOME"]) / "web.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            web_server("127.0.0.1", port),
            env=child_environment(MPPCQA_URL=f"http://127.0.0.1:{port}"),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for_server(process, port, log)
        yield address
    finally:
        stop(process)


def _attempt(address: str, password: str) -> tuple[OpenerDirector, str]:
    """A browser of its own, so that any process may answer."""
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    browser.open(f"{address}/login/", timeout=PATIENCE_S).read()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = urlencode({"login": "rosa", "password": password, "csrfmiddlewaretoken": token})
    answer = browser.open(f"{address}/login/", form.encode(), timeout=PATIENCE_S)
    return browser, answer.read().decode()


@pytest.mark.timeout(900)
def test_all_processes_of_the_server_count_together(server: str) -> None:
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):
        User.objects.create_superuser("rosa", password=RIGHT)
    assert "Campaign" in _attempt(server, RIGHT)[1]
    for number in range(5):
        assert "is wrong" in _attempt(server, f"wrong {number}")[1]
    for _more in range(8):
        browser, page = _attempt(server, RIGHT)
        assert "Too many wrong passwords" in page
        assert "Campaign" not in browser.open(server, timeout=PATIENCE_S).read().decode()
