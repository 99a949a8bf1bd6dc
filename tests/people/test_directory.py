"""Log-in by an LDAP directory: a real slapd says who it is, and its groups what the person may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.cli import main
from mppcqa.inventory.models import Institute
from mppcqa.people.actions import NotDone, keep_out, take_password
from mppcqa.people.outside import OutsideFault, elsewhere
from mppcqa.people.person_tokens import make_token
from mppcqa.people.roles import role_of
from tests.pens import pen_of, phone_of, shown
from tests.people.slapd import BASE, LOOKS, SLAPD, Slapd, running_slapd

ldap = pytest.importorskip("ldap", reason="python-ldap is not installed (make ldap)")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(SLAPD is None, reason="there is no slapd (Debian's package slapd)"),
]
PASSWORD = "their-photon-31"
FILE = """
[ldap]
server = "{address}"
bind_dn = "cn=looks,{base}"
bind_password = "{looks}"
people = "ou=people,{base}"
person = "(&(uid=%s)(!(employeeType=gone)))"
groups = "ou=groups,{base}"
{more}

[[groups]]
group = "shift-leaders"
role = "manager"

[[groups]]
group = "cn=guests,ou=groups,{base}"
role = "partner"
institute = "LNGS"
"""


@pytest.fixture(autouse=True)
def _quick(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def slapd(tmp_path: Path, settings: Any) -> Iterator[Slapd]:
    """The directory, and our file about it."""
    (tmp_path / "ldap").mkdir()
    with running_slapd(tmp_path / "ldap") as made:
        for uid in ("rosa", "emil", "ivo"):
            made.person(uid, PASSWORD)
        made.group("shift-leaders", "rosa")
        made.group("guests", "emil")
        settings.MPPCQA_DIRECTORY = str(tmp_path / "directory.toml")
        say(settings, made)
        Institute.objects.create(name="LNGS")
        yield made


def say(settings: Any, slapd: Slapd, more: str = "") -> None:
    given = {"address": slapd.address, "base": BASE, "looks": LOOKS, "more": more}
    path = Path(settings.MPPCQA_DIRECTORY)
    path.unlink(missing_ok=True)
    path.write_text(FILE.format(**given))


def came(name: str, password: str = PASSWORD) -> Client | None:
    """The browser, where the person came in."""
    client = Client()
    client.post("/login/", {"login": name, "password": password})
    return client if client.get("/").status_code == 200 else None


def test_groups_there_are_roles_here_with_each_log_in(slapd: Slapd) -> None:
    assert came("rosa")
    rosa = User.objects.get(username="rosa")
    assert (role_of(rosa).key, rosa.email) == ("manager", "rosa@lab.example")
    assert not rosa.has_usable_password()
    assert came("emil")
    emil = User.objects.get(username="emil")
    assert (role_of(emil).key, emil.person.institute.name) == ("partner", "LNGS")
    assert came("ivo") is None, "of no group that has a role"
    assert not User.objects.filter(username="ivo").exists()
    member = "member: uid=emil,ou=people," + BASE
    slapd.modify(
        f"dn: cn=shift-leaders,ou=groups,{BASE}\nchangetype: modify\nadd: member\n{member}"
    )
    page = came("EMIL")
    assert page, "names have no case there: it is the same person"
    emil = User.objects.get(pk=emil.pk)
    assert (role_of(emil).key, emil.person.institute) == ("manager", None)
    assert User.objects.count() == 2


def test_what_is_not_a_password_opens_nothing(slapd: Slapd, settings: Any) -> None:
    """Directories say yes to a name without a password, and take stars and brackets in filters."""
    for name, password in (
        *(
            ("rosa", "wrong"),
            ("rosa", ""),
            ("rosa", "\0"),
            ("rosa", f"{PASSWORD}\0"),
            ("*", PASSWORD),
        ),
        *(("r*", PASSWORD), ("rosa)(uid=*", PASSWORD), ("rosa)(|(uid=*))", PASSWORD)),
        *(("nobody", PASSWORD), (f"uid=rosa,ou=people,{BASE}", PASSWORD), ("", PASSWORD)),
    ):
        assert came(name, password) is None, (name, password)
    assert User.objects.count() == 0


def test_who_is_disabled_there_is_out_at_once_and_comes_back_with_it(slapd: Slapd) -> None:
    browser = came("rosa")
    rosa = User.objects.get(username="rosa")
    pen_of("nora")  # there is another administrator
    _row, token = make_token(rosa, 1, writes=True, by=None)
    shows = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/me", headers=shows).status_code == 200
    dn = f"dn: uid=rosa,ou=people,{BASE}\nchangetype: modify\nreplace: employeeType\nemployeeType: "
    slapd.modify(f"{dn}gone")
    assert came("rosa") is None
    assert browser.get("/").status_code == 302, "her session ended with the try"
    assert Client().get("/api/v1/me", headers=shows).status_code == 401
    slapd.modify(f"{dn}here")
    assert came("rosa")
    keep_out(User.objects.get(pk=rosa.pk), by=None)
    assert came("rosa") is None, "who is kept out here is not let in by the directory"
    assert came("emil")
    slapd.remove(f"uid=emil,ou=people,{BASE}")
    done = CliRunner().invoke(main, ["user", "directory"])
    assert "emil: kept out\n1 accounts asked for, 1 kept out" in done.output
    slapd.person("emil", "another-person-5")
    slapd.group("more", "emil")
    assert came("emil", "another-person-5") is None, "a name that went to somebody else"


def test_an_account_of_here_is_not_taken_over(slapd: Slapd) -> None:
    User.objects.create_superuser("rosa", password="our-own-photon-8")
    assert came("rosa", PASSWORD) is None
    assert came("rosa", "our-own-photon-8")
    assert came("emil")
    emil = User.objects.get(username="emil")
    with pytest.raises(NotDone, match="elsewhere"):
        take_password(emil, by=None)
    page = came("emil").post(
        "/password/first/", {"password1": "x-photon-55", "password2": "x-photon-55"}
    )
    assert page.status_code == 403, "a password of here would outlive the account there"
    untied = CliRunner().invoke(main, ["user", "untie", "emil"])
    assert "/welcome/" in untied.output
    assert came("emil"), "tied again: it has no password yet"


def test_the_second_factor_is_asked_for_where_it_is_ours(slapd: Slapd, settings: Any) -> None:
    assert came("rosa")
    phone = phone_of(User.objects.get(username="rosa"))
    client = Client()
    told = client.post("/login/", {"login": "rosa", "password": PASSWORD})
    assert told.headers["Location"] == "/login/code/"
    client.post("/login/code/", {"password_code": shown(phone)})
    assert client.get("/").status_code == 200
    say(settings, slapd, "second_factor = false")
    settings.MPPCQA_SECOND_FACTOR = "all"
    assert came("rosa")
    assert came("emil"), "who has none is not sent to make one"


def test_a_directory_that_is_away_keeps_nobody_out_and_lets_nobody_in(
    slapd: Slapd, settings: Any
) -> None:
    assert came("rosa")
    pen_of("nora")
    for address in ("ldap://127.0.0.1:1", slapd.address):
        looks = LOOKS if address != slapd.address else "changed"
        path = Path(settings.MPPCQA_DIRECTORY)
        path.unlink()
        path.write_text(FILE.format(address=address, base=BASE, looks=looks, more=""))
        assert came("rosa") is None
        told = CliRunner().invoke(main, ["user", "directory"])
        assert (told.exit_code, "Nobody was kept out" in told.output) == (1, True)
        assert User.objects.get(username="rosa").is_active


def test_a_file_that_is_wrong_says_where(settings: Any, tmp_path: Path, db: None) -> None:
    path = tmp_path / "directory.toml"
    settings.MPPCQA_DIRECTORY = str(path)
    path.write_text(
        '[ldap]\nserver = "ldap://ldap.example.org"\npeople = "x"\nstart_tls = "no"\n'
        'person = "uid"\n'
        '[oidc]\nissuer = "http://sso.example.org"\nclient_id = ""\nsecret = "x"\n'
        '[[groups]]\ngroup = "a"\nrole = "king"\n'
        '[[groups]]\ngroup = "b"\nrole = "partner"\n[other]\n'
    )
    with pytest.raises(OutsideFault) as found:
        elsewhere()
    for text in ("[other]", "start_tls", "no key secret", "lacks client_id", "'king'", "institute"):
        assert text in str(found.value)
    path.write_text(
        '[ldap]\nserver = "ldap://ldap.example.org"\npeople = "x"\nperson = "uid"\n'
        '[oidc]\nissuer = "http://sso.example.org"\nclient_id = "x"\n# longer\n'
    )
    with pytest.raises(OutsideFault, match=r"no %s.*in clear.*in clear"):
        elsewhere()
    page = Client().get("/login/")
    assert page.status_code == 200, "people of here log in all the same"
