"""Sessions that others made, links and tokens used again, and what the time of a log-in tells."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.people.actions import keep_out, take_password, way_in
from mppcqa.people.person_tokens import make_token, take_back
from tests.pens import SECRET

COOKIE = django_settings.SESSION_COOKIE_NAME


@pytest.fixture
def nora(db: None) -> User:
    return User.objects.create_superuser("nora", password=SECRET)


def log_in(client: Client) -> None:
    client.post("/login/", {"login": "nora", "password": SECRET})


def is_in(client: Client) -> bool:
    return bool(client.get("/").status_code == 200)


def with_cookie(value: str) -> Client:
    client = Client()
    client.cookies = SimpleCookie({COOKIE: value})
    return client


def test_a_session_that_somebody_planted_never_becomes_a_persons(nora: User) -> None:
    before = Client()
    before.get("/second-factor/")
    before.post("/login/", {"login": "nora", "password": "wrong"})
    session = before.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    victim = with_cookie(planted)
    log_in(victim)
    assert is_in(victim)
    assert victim.cookies[COOKIE].value != planted
    assert not is_in(with_cookie(planted))
    made_up = with_cookie("a" * 32)
    log_in(made_up)
    assert made_up.cookies[COOKIE].value != "a" * 32
    assert not is_in(with_cookie("a" * 32))


@pytest.mark.parametrize("end", ["logout", "password", "kept out", "taken", "deleted"])
def test_a_stolen_session_ends_with_what_ends_the_persons(nora: User, end: str) -> None:
    victim = Client()
    log_in(victim)
    thief = with_cookie(victim.cookies[COOKIE].value)
    assert is_in(thief)
    if end == "logout":
        victim.post("/logout/")
    elif end == "password":
        new = {"password1": "another-photon-7", "password2": "another-photon-7"}
        assert victim.post("/password/", {"oldpassword": SECRET, **new}).status_code == 302
        assert is_in(victim)
    elif end == "kept out":
        User.objects.create_superuser("other")
        keep_out(nora, by=None)
    elif end == "taken":
        take_password(nora, by=None)
    else:
        User.objects.filter(pk=nora.pk).delete()
    assert not is_in(thief)


def test_links_and_tokens_are_used_up(nora: User) -> None:
    take_password(nora, by=None)
    nora.refresh_from_db()
    link = "/welcome/{}/{}/".format(*way_in(nora))
    assert Client().post(link, {"password": SECRET, "again": SECRET}).status_code == 302
    assert (
        Client().post(link, {"password": "thief-photon-3", "again": "thief-photon-3"}).status_code
        == 404
    )
    row, token = make_token(User.objects.get(pk=nora.pk), 1, writes=True, by=None)
    shown = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/me", headers=shown).status_code == 200
    for other in (token[:-1], token + "x", token.upper(), token.replace("person", "station")):
        got = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {other}"})
        assert got.status_code == 401, other
    assert Client().get(f"/api/v1/me?token={token}").status_code == 401
    take_back(row, by=None)
    assert Client().get("/api/v1/me", headers=shown).status_code == 401


def test_a_log_in_costs_the_same_whether_there_is_such_a_person(
    nora: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """What takes the time is the hash: it is made once for each kind of name."""
    User.objects.create_user("without")
    User.objects.create_user("out", password=SECRET, is_active=False)
    made: list[str] = []
    hasher = hashers.get_hasher().__class__
    encode = hasher.encode

    def counted(self: Any, password: str, *more: Any, **named: Any) -> Any:
        made.append(password)
        return encode(self, password, *more, **named)

    monkeypatch.setattr(hasher, "encode", counted)
    costs = {}
    for name in ("nora", "nobody", "without", "out", "nora' --"):
        made.clear()
        answer = Client().post("/login/", {"login": name, "password": "wrong"})
        costs[name] = (len(made), "is wrong" in answer.content.decode(), answer.status_code)
    assert set(costs.values()) == {(1, True, 200)}, costs
