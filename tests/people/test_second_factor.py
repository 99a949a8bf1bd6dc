"""The second factor: made by its person, asked for at log-in and signature, counted once."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.cli import main
from mppcqa.inventory.models import Lot
from mppcqa.limits.models import Waiver
from mppcqa.people.actions import invite, take_password, way_in
from mppcqa.people.models import SecondFactor
from mppcqa.people.roles import ROLES
from tests.pens import SECRET, browser_of, pen_of, phone_of, phone_with, shown


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    """A slow hash is for those who stole the table; here it only takes time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Telephone and server have the same clock, which stands: a slow computer misses no code."""
    now = time.time()
    clock = SimpleNamespace(time=lambda: now)
    for module in ("tests.pens", "mppcqa.people.second"):
        monkeypatch.setattr(f"{module}.time", clock)


@pytest.fixture
def nora(db: None) -> User:
    return User.objects.create_superuser("nora", password=SECRET)


def at_the_code(name: str = "nora") -> Client:
    """A browser in which the right password was given."""
    client = Client()
    answer = client.post("/login/", {"login": name, "password": SECRET})
    assert answer.headers["Location"] == "/login/code/"
    assert client.get("/").status_code == 302, "nobody is logged in yet"
    return client


def let_in(client: Client, code: str, **more: str) -> bool:
    client.post("/login/code/", {"password_code": code, **more})
    return bool(client.get("/").status_code == 200)


def test_a_person_makes_one_and_is_asked_for_it_from_then_on(nora: User) -> None:
    client = Client()
    client.post("/login/", {"login": "nora", "password": SECRET})
    page = client.get("/second-factor/").content.decode()
    letters = re.search(r'id="second-secret">([A-Z2-7 ]+)<', page)
    assert letters is not None
    phone = phone_with(letters[1].replace(" ", ""))
    asked = {"action": "make", "password": SECRET}
    client.post("/second-factor/", {**asked, "password_code": "000000"})
    client.post("/second-factor/", {**asked, "password": "x", "password_code": shown(phone)})
    assert not SecondFactor.objects.exists()
    done = client.post("/second-factor/", {**asked, "password_code": shown(phone, -1)})
    paper = re.findall(r"<code[^>]*>([A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4})<", done.content.decode())
    assert len(set(paper)) == 10
    assert "no-store" in done.headers["Cache-Control"]
    client.post("/logout/")
    assert let_in(at_the_code(), shown(phone))
    assert let_in(at_the_code(), f" {paper[3].lower()} ")
    assert not let_in(at_the_code(), paper[3]), "it counted already"
    kept = SecondFactor.objects.get()
    assert len(kept.codes) == 9
    assert letters[1].replace(" ", "") not in kept.secret
    again = {"action": "remove", "password": SECRET, "password_code": paper[0]}
    logged_in = at_the_code()
    assert let_in(logged_in, shown(phone, 1))
    logged_in.post("/second-factor/", again)
    assert not SecondFactor.objects.exists()


def test_a_code_counts_once_and_wrong_ones_slow_down(
    nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = phone_of(nora)
    code = shown(phone)
    assert let_in(at_the_code(), code)
    assert not let_in(at_the_code(), code)
    thief = at_the_code()
    for _n in range(4):
        assert not let_in(thief, "123456")
    assert (
        "Too many wrong codes"
        in thief.post("/login/code/", {"password_code": shown(phone, 1)}).content.decode()
    )
    monkeypatch.setattr(
        "allauth.core.internal.ratelimit.time.time", lambda now=time.time: now() + 301
    )
    thief.post("/login/", {"login": "nora", "password": SECRET})
    assert let_in(thief, shown(phone, 1))


def test_the_page_of_the_code_is_for_who_gave_the_password(nora: User) -> None:
    phone = phone_of(nora)
    assert not let_in(Client(), shown(phone))


def test_what_was_typed_before_the_log_in_is_still_there_after_the_code(nora: User) -> None:
    phone = phone_of(nora)
    late = Client()
    asked = late.post("/catalogue/lots/new/", {"name": "L-77"}).content.decode()
    kept = re.search(r'name="kept" value="([^"]+)"', asked)
    assert kept is not None
    asked = late.post(
        "/login/", {"login": "nora", "password": SECRET, "kept": kept[1]}
    ).content.decode()
    assert kept[1] in asked
    page = late.post("/login/code/", {"password_code": shown(phone), "kept": kept[1]})
    assert 'name="name" value="L-77"' in page.content.decode()
    assert not Lot.objects.exists()


@pytest.mark.parametrize(
    ("setting", "asked"),
    [("offered", set()), ("roles", {"manager", "administrator"}), ("all", {*ROLES} - {"partner"})],
)
def test_of_whom_one_is_demanded(db: None, settings: Any, setting: str, asked: set[str]) -> None:
    settings.MPPCQA_SECOND_FACTOR = setting
    found = set()
    for key in {*ROLES} - {"partner"}:
        client = Client()
        client.force_login(invite(f"the.{key}", ROLES[key], by=None))
        answer = client.get("/devices/")
        if answer.status_code == 302:
            assert answer.headers["Location"] == "/second-factor/"
            assert client.get("/second-factor/").status_code == 200
            sent = client.post("/catalogue/lots/new/", {"name": "L-1"})
            assert sent.status_code == 403
            assert 'value="L-1"' in sent.content.decode()
            assert client.get("/devices/", headers={"HX-Request": "true"}).status_code == 403
            found.add(key)
    assert found == asked
    assert not Lot.objects.exists()


def test_one_that_is_demanded_is_not_taken_away_by_its_person(nora: User, settings: Any) -> None:
    settings.MPPCQA_SECOND_FACTOR = "roles"
    phone, client = phone_of(nora), Client()
    client.force_login(nora)
    assert client.get("/devices/").status_code == 200
    proof = {"password": SECRET, "password_code": shown(phone)}
    client.post("/second-factor/", {"action": "remove", **proof})
    assert SecondFactor.objects.count() == 1


def test_a_signature_asks_for_the_code_too(campaign: SimpleNamespace) -> None:
    from tests.web.test_signing import DIALOG, a_failing_verdict, waive

    verdict, client = a_failing_verdict(campaign), browser_of()
    phone = phone_of(pen_of().person)  # type: ignore[arg-type]
    asked: Any = waive(client, verdict, DIALOG, reason="dim")
    assert "sign_password_code" in asked.content.decode()
    given = {"reason": "dim", "sign_password": SECRET}
    for wrong in ({}, {"sign_password_code": "000000"}):
        refused: Any = waive(client, verdict, DIALOG, **given, **wrong)
        assert "The code is wrong" in refused.content.decode()
    assert not Waiver.objects.exists()
    done: Any = waive(client, verdict, DIALOG, **given, sign_password_code=shown(phone))
    assert done.status_code == 204
    signed = Waiver.objects.get().signed
    assert signed is not None
    assert [one["method"] for one in signed.signatures] == ["code"]
    assert "password and code" in signed.signers


def test_a_new_password_by_link_does_not_pass_by_the_phone(nora: User) -> None:
    rosa = User.objects.create_superuser("rosa")
    phone = phone_of(rosa)
    take_password(rosa, by=nora)
    link = "/welcome/{}/{}/".format(*way_in(User.objects.get(pk=rosa.pk)))
    client = Client()
    answer = client.post(link, {"password": SECRET, "again": SECRET})
    assert answer.headers["Location"] == "/login/"
    assert let_in(at_the_code("rosa"), shown(phone))


def test_others_take_it_away_when_phone_and_paper_are_lost(nora: User) -> None:
    administrator, rosa = Client(), User.objects.create_superuser("rosa", password=SECRET)
    administrator.force_login(nora)
    phone_of(rosa)
    assert f"/people/{rosa.pk}/second/" in administrator.get(f"/people/{rosa.pk}/").content.decode()
    administrator.post(f"/people/{rosa.pk}/second/")
    assert not SecondFactor.objects.exists()
    phone_of(rosa)
    said = CliRunner().invoke(main, ["user", "second-factor", "rosa", "--remove"])
    assert "rosa logs in with the password alone" in said.output
    rosas = Client()
    rosas.post("/login/", {"login": "rosa", "password": SECRET})
    assert rosas.get("/").status_code == 200
    phone_of(nora)
    administrator.post(f"/people/{nora.pk}/second/")
    assert SecondFactor.objects.filter(user=nora).exists(), "one's own asks for the password"
