"""Log-in at an OpenID Connect provider: what it says holds, or nobody comes in."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from joserfc.jwk import RSAKey

from mppcqa.inventory.models import Campaign
from mppcqa.limits.models import Waiver
from mppcqa.people.roles import role_of
from tests.pens import phone_of, shown
from tests.people.oidc_provider import CLIENT, SECRET, Provider, running_provider
from tests.web.test_signing import a_failing_verdict, waive

pytestmark = pytest.mark.django_db
FILE = """
[oidc]
title = "The university"
issuer = "{issuer}"
client_id = "{client}"
client_secret = "{secret}"
{more}

[[groups]]
group = "/qa/leaders"
role = "manager"

[[groups]]
group = "*"
role = "viewer"
campaign = "Theirs"
"""


@pytest.fixture
def provider(tmp_path: Path, settings: Any) -> Iterator[Provider]:
    """It runs, knows Rosa, and our file names it."""
    Campaign.objects.create(name="Theirs")
    settings.MPPCQA_DIRECTORY = str(tmp_path / "directory.toml")
    with running_provider() as made:
        made.person = {
            **{"sub": "Rosa-1", "preferred_username": "rosa", "groups": ["/qa/leaders"]},
            **{"email": "rosa@uni.example", "email_verified": True},
        }
        say(settings, made)
        yield made


def say(settings: Any, provider: Provider, more: str = "") -> None:
    given = {"issuer": provider.address, "client": CLIENT, "secret": SECRET, "more": more}
    path = Path(settings.MPPCQA_DIRECTORY)
    path.unlink(missing_ok=True)
    path.write_text(FILE.format(**given))


def there(client: Client, address: str = "/login/elsewhere/") -> str:
    """To the provider and to where it sends the browser back: that address."""
    to = urlsplit(client.get(address).headers["Location"])
    asked = http.client.HTTPConnection(to.netloc, timeout=60)
    asked.request("GET", f"{to.path}?{to.query}")
    back = urlsplit(asked.getresponse().headers["Location"])
    asked.close()
    return f"{back.path}?{back.query}"


def came(client: Client, address: str = "/login/elsewhere/") -> bool:
    answer = client.get(there(client, address))
    assert answer.status_code in (302, 403), answer.content.decode()
    return bool(client.get("/").status_code == 200)


def test_a_person_comes_in_as_the_groups_say(provider: Provider, settings: Any) -> None:
    page = Client().get("/login/?next=/devices/").content.decode()
    assert "The university" in page
    client = Client()
    back = there(client, "/login/elsewhere/?next=/devices/")
    assert client.get(back).headers["Location"] == "/devices/"
    rosa = User.objects.get(username="rosa")
    assert (role_of(rosa).key, rosa.email) == ("manager", "rosa@uni.example")
    assert not rosa.has_usable_password()
    assert there(Client(), "/login/elsewhere/?next=//evil.example/x")
    client = Client()
    assert (
        client.get(there(client, "/login/elsewhere/?next=//evil.example/")).headers["Location"]
        == "/"
    )
    provider.person |= {"preferred_username": "rosa.b", "groups": []}
    assert came(Client())
    rosa = User.objects.get()
    assert (rosa.username, role_of(rosa).key, rosa.person.campaign.name) == (
        "rosa",
        "viewer",
        "Theirs",
    )
    provider.person |= {"groups": "/qa/leaders"}
    provider.in_token = False
    assert came(Client()), "groups that are told only when asked for"
    assert role_of(User.objects.get()).key == "manager"
    provider.person |= {"sub": "rosa-1", "preferred_username": "ROSA"}
    assert not came(Client()), "another person, whatever a database takes for the same"
    User.objects.create_superuser("nora", password="a-quiet-photon-42")
    provider.person |= {"sub": "3", "preferred_username": "nora"}
    assert not came(Client()), "an account of here with its own password"


def test_what_does_not_hold_lets_nobody_in(provider: Provider) -> None:
    now = int(time.time())
    for told in (
        *({"aud": "another"}, {"aud": None}, {"aud": ["another", "third"], "azp": CLIENT}),
        *({"iss": "https://evil.example"}, {"iss": None}, {"exp": now - 600}, {"exp": None}),
        *({"nonce": "guessed"}, {"nonce": None}, {"sub": None}, {"sub": ""}, {"iat": now + 600}),
        *({"preferred_username": None}, {"preferred_username": "x y;"}, {"preferred_username": 7}),
    ):
        provider.told = told
        assert not came(Client()), told
    provider.told = {}
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    assert not came(Client()), "signed by somebody else"
    provider.signs_with = provider.key
    assert User.objects.count() == 0
    assert came(Client())
    provider.repeats = True
    assert not came(Client()), "the token of another log-in"
    provider.repeats = False
    back = there(Client())
    assert not is_in(back), "a link that somebody else's browser was sent to"
    mine = Client()
    mine.get("/login/elsewhere/")
    assert not is_in(back, mine), "a state of another browser"
    mine = Client()
    back = there(mine)
    without = back.partition("&state=")[0]
    assert not is_in(without, mine), "no state"
    mine = Client()
    back = there(mine)
    assert is_in(back, mine)
    mine.post("/logout/")
    assert not is_in(back, mine), "the same answer twice"
    assert not is_in("/login/elsewhere/back/?error=access_denied", mine)


def is_in(back: str, client: Client | None = None) -> bool:
    client = client or Client()
    assert client.get(back).status_code in (302, 403)
    return bool(client.get("/").status_code == 200)


def test_a_provider_that_is_away_is_told(provider: Provider, settings: Any) -> None:
    path = Path(settings.MPPCQA_DIRECTORY)
    path.write_text(path.read_text().replace(provider.address, "http://127.0.0.1:1"))
    answer = Client().get("/login/elsewhere/")
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (502, True)
    path.unlink()
    assert Client().get("/login/elsewhere/").status_code == 404


def test_our_second_factor_is_asked_for_where_the_file_says_so(
    provider: Provider, settings: Any
) -> None:
    settings.MPPCQA_SECOND_FACTOR = "all"
    assert came(Client()), "the provider asked for its own"
    phone = phone_of(User.objects.get())
    assert came(Client())
    say(settings, provider, "second_factor = true")
    client = Client()
    assert client.get(there(client)).headers["Location"] == "/login/code/"
    assert client.get("/").status_code == 302
    client.post("/login/code/", {"password_code": shown(phone)})
    assert client.get("/").status_code == 200


def test_who_has_no_password_here_signs_by_logging_in_there_again(
    provider: Provider, campaign: SimpleNamespace
) -> None:
    provider.person["preferred_username"] = "pia"
    client, failing = Client(), a_failing_verdict(campaign)
    assert came(client)

    def sign(**more: str) -> int:
        return waive(client, failing, {}, reason="one dim corner", **more).status_code

    asked = waive(client, failing, {}, reason="one dim corner")
    assert asked.status_code == 428
    assert "/login/elsewhere/?again=1" in asked.content.decode()
    assert sign(sign_password="-") == 428
    provider.told = {"auth_time": int(time.time()) - 3600}
    assert client.get(there(client, "/login/elsewhere/?again=1")).status_code == 403
    assert (provider.asked["prompt"], provider.asked["max_age"]) == ("login", "0")
    provider.told = {"sub": "another"}
    assert client.get(there(client, "/login/elsewhere/?again=1")).status_code == 403
    provider.told = {}
    assert sign(sign_password="-") == 428
    assert client.get(there(client, "/login/elsewhere/?again=1")).status_code == 200
    assert sign(sign_password="-") == 302
    assert [one["method"] for one in Waiver.objects.get().signed.signatures] == ["elsewhere"]
    assert sign(sign_password="-") == 428, "one log-in there is one signature"
    assert client.get("/password/first/").status_code == 403
