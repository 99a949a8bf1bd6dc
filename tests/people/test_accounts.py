"""People come in by a link, do what their role may, and are kept out for good."""

from __future__ import annotations

import datetime as dt
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from mppcqa.cli.user import user as user_command
from mppcqa.inventory.models import Institute
from mppcqa.people.actions import (
    NotDone,
    change,
    come_in,
    invite,
    keep_out,
    take_password,
    way_in,
    who_comes,
)
from mppcqa.people.first import first_code
from mppcqa.people.roles import ROLES, make_roles, role_of
from tests.web.formfields import opened

GOOD = "finger-spectrum-9"


def administrator(name: str = "boss") -> User:
    made = invite(name, ROLES["administrator"], by=None)
    made.set_password(GOOD)
    made.save()
    return made


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(db: None) -> User:
    return administrator()


def test_an_invited_person_chooses_a_password_and_is_in(boss: User) -> None:
    page = client_of(boss).post("/people/invite/", {"username": "luz", "role": "operator"})
    assert page.headers["Cache-Control"] == "no-store"
    [link] = re.findall(r"http://testserver(/welcome/[^<\s]+)", page.content.decode())
    luz = Client()
    assert "luz" in luz.get(link).content.decode()
    assert luz.post(link, {"password": GOOD, "again": "other"}).status_code == 422
    assert luz.post(link, {"password": "12345", "again": "12345"}).status_code == 422
    assert luz.post(link, {"password": GOOD, "again": GOOD}).status_code == 302
    assert luz.get("/devices/").status_code == 200
    # The link was for once, for whoever comes upon it later.
    assert Client().get(link).status_code == 404
    assert Client().post(link, {"password": GOOD, "again": GOOD}).status_code == 404
    assert Client().login(username="luz", password=GOOD)


def test_a_link_ends_after_a_week_and_with_the_account(
    boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    luz = invite("luz", ROLES["viewer"], by=boss)
    account, token = way_in(luz)
    assert who_comes(account, token) == luz
    assert who_comes(account, token[:-1]) is None
    assert who_comes("x" + account, token) is None
    keep_out(luz, by=boss)
    assert who_comes(account, token) is None
    User.objects.filter(pk=luz.pk).update(is_active=True)
    later = timezone.now() + dt.timedelta(days=8)
    monkeypatch.setattr(
        "django.contrib.auth.tokens.PasswordResetTokenGenerator._now",
        lambda _self: later.replace(tzinfo=None),
    )
    assert who_comes(account, token) is None


def test_whoever_is_kept_out_is_out_at_the_next_request(boss: User) -> None:
    luz = invite("luz", ROLES["operator"], by=boss)
    come_in(*way_in(luz), GOOD)
    at_work, of_boss = client_of(User.objects.get(pk=luz.pk)), client_of(boss)
    assert at_work.get("/devices/").status_code == 200
    of_boss.post(f"/people/{luz.pk}/access/", {"access": "out"})
    assert at_work.get("/devices/").status_code == 302
    assert not Client().login(username="luz", password=GOOD)
    of_boss.post(f"/people/{luz.pk}/access/", {"access": "in"})
    assert Client().login(username="luz", password=GOOD)


def test_a_password_that_was_taken_back_ends_every_session(boss: User) -> None:
    luz = come_in(*way_in(invite("luz", ROLES["operator"], by=boss)), GOOD)
    at_work = client_of(luz)
    take_password(luz, by=boss)
    assert at_work.get("/devices/").status_code == 302
    assert not Client().login(username="luz", password=GOOD)


def test_another_role_counts_at_once(boss: User) -> None:
    luz = come_in(*way_in(invite("luz", ROLES["operator"], by=boss)), GOOD)
    at_work, of_boss = client_of(luz), client_of(boss)
    assert at_work.get("/devices/register/").status_code == 200
    page = f"/people/{luz.pk}/"
    of_boss.post(page, {**opened(of_boss, page), "role": "viewer"})
    assert at_work.get("/devices/register/").status_code == 403
    assert "/devices/register/" not in at_work.get("/devices/").content.decode()


def test_there_is_always_an_administrator(boss: User) -> None:
    other = administrator("other")
    with pytest.raises(NotDone, match="Your own role"):
        change(boss, ROLES["viewer"], institute=None, campaign=None, by=boss)
    with pytest.raises(NotDone, match="yourself"):
        keep_out(boss, by=boss)
    change(boss, ROLES["viewer"], institute=None, campaign=None, by=other)
    for refused in (
        lambda: keep_out(other, by=None),
        lambda: change(other, ROLES["manager"], institute=None, campaign=None, by=None),
    ):
        with pytest.raises(NotDone, match="last administrator"):
            refused()
    assert User.objects.get(pk=other.pk).is_superuser
    assert User.objects.get(pk=other.pk).is_active


def test_what_is_wrong_with_an_account_is_told_beside_its_field(boss: User) -> None:
    invite("Luz", ROLES["viewer"], by=boss)
    page = client_of(boss).post(
        "/people/invite/", {"username": "luz", "role": "partner", "email": "x"}
    )
    assert page.status_code == 422
    page = client_of(boss).post("/people/invite/", {"username": "luz", "role": "partner"})
    text = page.content.decode()
    assert "There is an account luz already" in text
    assert "Say which institute a partner is of" in text
    assert User.objects.filter(username__iexact="luz").count() == 1
    with pytest.raises(NotDone):
        invite("two words\n", ROLES["viewer"], by=boss)


def test_a_partner_stays_bound_to_an_institute(boss: User) -> None:
    jlab = Institute.objects.create(name="JLab")
    luz = invite("luz", ROLES["partner"], institute=jlab, by=boss)
    with pytest.raises(NotDone, match="which institute"):
        change(luz, None, institute=None, campaign=None, by=boss)
    luz.person.refresh_from_db()
    assert luz.person.institute == jlab


def test_a_link_is_mailed_where_there_is_a_server_for_it(
    boss: User, settings: object, mailoutbox: list[mail.EmailMessage]
) -> None:
    form = {"username": "luz", "role": "viewer", "email": "luz@example.org"}
    page = client_of(boss).post("/people/invite/", form).content.decode()
    [link] = re.findall(r"http://testserver/welcome/[^<\s]+", page)
    [sent] = mailoutbox
    assert sent.to == ["luz@example.org"]
    assert link in sent.body


def test_the_first_administrator_is_made_by_who_has_the_code(db: None, settings: object) -> None:
    code = first_code()
    assert code
    assert first_code() == code
    file = Path(settings.MPPCQA_HOME) / "first-code.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    form = {"username": "rosa", "password": GOOD, "again": GOOD}
    anybody = Client()
    for wrong in ("", "?code=", "?code=x", "?code=%01"):
        assert anybody.get(f"/welcome/first/{wrong}").status_code == 404
        assert anybody.post(f"/welcome/first/{wrong}", form).status_code == 404
    assert not User.objects.exists()
    link = f"/welcome/first/?code={code}"
    assert anybody.get(link).status_code == 200
    assert anybody.post(link, {**form, "again": "x"}).status_code == 422
    assert anybody.post(link, form).status_code == 302
    assert anybody.get("/people/").status_code == 200
    assert Client().post(link, {**form, "username": "second"}).status_code == 404
    assert first_code() is None
    assert not file.exists()
    assert [user.username for user in User.objects.all()] == ["rosa"]


def test_accounts_are_kept_from_the_command_line(db: None) -> None:
    run = CliRunner().invoke
    made = run(user_command, ["add", "luz", "--role", "manager"])
    assert made.exit_code == 0, made.output
    [link] = re.findall(r"/welcome/\S+", made.output)
    assert Client().get(link).status_code == 200
    assert "manager  has no password yet" in run(user_command, ["list"]).output
    assert "there is no role" in run(user_command, ["add", "x", "--role", "king"]).output
    assert "already" in run(user_command, ["add", "luz", "--role", "viewer"]).output
    run(user_command, ["change", "luz", "--role", "administrator"])
    assert role_of(User.objects.get()).key == "administrator"
    assert "last administrator" in run(user_command, ["keep-out", "luz"]).output
    [newer] = re.findall(r"/welcome/\S+", run(user_command, ["link", "luz"]).output)
    assert Client().get(newer).status_code == 200


def test_rights_that_a_role_lost_or_got_follow_at_the_next_update(db: None) -> None:
    luz = invite("luz", ROLES["viewer"], by=None)
    group = luz.groups.get()
    group.permissions.add(*type(group.permissions.model.objects.first()).objects.all()[:5])
    make_roles()
    assert not User.objects.get(pk=luz.pk).get_all_permissions()
