"""Tokens of persons: what opens the API, for whom, until when, and what never does."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.cli.token import token as token_command
from mppcqa.people.actions import invite, keep_out, let_in
from mppcqa.people.models import PersonToken
from mppcqa.people.person_tokens import make_token, take_back
from mppcqa.people.roles import ROLES
from tests.api.conftest import Program, program_of


@pytest.fixture
def luz(db: None) -> User:
    return invite("luz", ROLES["operator"], by=None)


def test_a_token_says_whose_it_is_and_its_use_is_noted(luz: User) -> None:
    row, text = make_token(luz, 10, note="notebook")
    told = Program(text).read("me")
    assert (told["user"], told["role"], told["writes"]) == ("luz", "operator", False)
    assert "inventory.add_device" in told["rights"]
    row.refresh_from_db()
    assert row.used_at is not None
    assert row.used_from == "127.0.0.1"
    kept = " ".join(map(str, PersonToken.objects.values_list().get()))
    assert text not in kept


def test_a_token_ends_by_its_day_by_hand_and_with_its_person(luz: User) -> None:
    row, text = make_token(luz, 10)
    program = Program(text)
    PersonToken.objects.update(ends_at=timezone.now())
    assert program.get("me").status_code == 401
    PersonToken.objects.update(ends_at=row.ends_at)
    keep_out(luz, by=None)
    assert program.get("me").status_code == 401
    let_in(luz, by=None)
    assert program.get("me").status_code == 200
    assert take_back(row)
    answer = program.get("me")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert "/tokens/" in answer.json()["detail"]


def test_no_cookie_and_no_token_of_a_station_opens_what_is_of_persons(luz: User) -> None:
    browser = Client()
    browser.force_login(luz)
    assert browser.get("/api/v1/me").status_code == 401
    assert Program("mppcqa-station-" + "x" * 40).get("me").status_code == 401
    answer = program_of(luz).get("me")
    assert not answer.cookies


def test_a_page_makes_a_token_that_is_shown_once_and_takes_it_back(luz: User) -> None:
    browser = Client()
    browser.force_login(luz)
    page = browser.post("/tokens/", {"days": "30", "note": "my laptop", "writes": "1"})
    assert page.headers["Cache-Control"] == "no-store"
    [text] = re.findall(r"(mppcqa-person-[\w-]{40,})", page.content.decode())
    assert Program(text).read("me")["writes"] is True
    again = browser.get("/tokens/").content.decode()
    assert text not in again
    assert "my laptop" in again
    browser.post("/tokens/revoke/", {"token": PersonToken.objects.get().pk})
    assert Program(text).get("me").status_code == 401
    assert PersonToken.objects.get().revoked_by == luz


def test_nobody_takes_back_what_is_anothers_but_an_administrator(luz: User) -> None:
    row, text = make_token(luz, 10)
    other = Client()
    other.force_login(invite("ana", ROLES["manager"], by=None))
    assert other.post("/tokens/revoke/", {"token": row.pk}).status_code == 404
    assert other.post(f"/people/{luz.pk}/token/", {"token": row.pk}).status_code == 403
    boss = Client()
    boss.force_login(invite("boss", ROLES["administrator"], by=None))
    assert row.begins in boss.get(f"/people/{luz.pk}/").content.decode()
    boss.post(f"/people/{luz.pk}/token/", {"token": row.pk})
    assert Program(text).get("me").status_code == 401


def test_the_command_makes_lists_and_takes_back_tokens_of_persons(luz: User) -> None:
    run = CliRunner()
    made = run.invoke(token_command, ["make", "--user", "luz", "--write", "--days", "3"])
    assert made.exit_code == 0, made.output
    text = made.stdout.strip()
    assert Program(text).read("me")["writes"] is True
    listed = run.invoke(token_command, ["list"]).output
    assert "luz, reads and changes" in listed
    number = f"p{PersonToken.objects.get().pk}"
    assert run.invoke(token_command, ["revoke", number]).output == "taken back\n"
    assert Program(text).get("me").status_code == 401
    assert run.invoke(token_command, ["make", "--user", "nobody"]).exit_code == 1
    assert run.invoke(token_command, ["make"]).exit_code == 2
