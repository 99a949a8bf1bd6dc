"""The permission matrix: every address by every role, as `matrix.toml` says, and no more."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve

import mppcqa
from mppcqa.inventory.models import Device, Institute
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.runs.models import Run
from tests.web.conftest import loaded  # noqa: F401
from tests.web.formfields import forms_of
from tests.web.test_typed import address_of, all_patterns, world  # noqa: F401

MATRIX = Path(__file__).with_name("matrix.toml")
UPWARDS = ["viewer", "operator", "analyst", "manager", "administrator"]
CLASSES = {
    "everyone": {*ROLES},
    "unbound": {*UPWARDS},  # pages that tell of all devices: not for a partner
    "receiving": {*ROLES} - {"viewer"},
    **{name: set(UPWARDS[UPWARDS.index(name) :]) for name in UPWARDS[1:]},
    "nobody": set(),
}
"""Who is let through, by the word that stands in the matrix."""
WITHOUT_LOGIN = {
    *(
        "account_login",
        "account_logout",
        "login_code",
        "login_elsewhere",
        "login_back",
        "badge_login",
        "set_language",
        "person_comes",
        "first_administrator",
    ),
    *("health_live", "health_ready", "metrics"),
    *("documentation", "documentation_page"),
}


def stated() -> dict[str, list[str]]:
    """Address -> who may look, who may send."""
    found = tomllib.loads(MATRIX.read_text())
    return {name: row for name, row in found.items() if name != "api"}


@pytest.fixture
def people(world: dict[str, Any], campaign: SimpleNamespace) -> dict[str, Client]:  # noqa: F811
    """A browser of each role; all that there is belongs to the partner's institute."""
    ours = Institute.objects.create(name="Ours")
    Device.objects.update(owner=ours)
    Run.objects.update(owner=ours)
    found = {}
    for key, role in ROLES.items():
        institute = ours if role.needs_institute else None
        made = invite(f"the {key}".replace(" ", "."), role, institute=institute, by=None)
        found[key] = Client()
        found[key].force_login(made)
    return found


def let_through(client: Client, method: str, address: str) -> bool:
    """Whether the answer is anything but "you may not"."""
    with transaction.atomic():
        answer = getattr(client, method)(address)
        if answer.streaming:
            list(answer)
        transaction.set_rollback(True)
    return answer.status_code not in (401, 403, 405) and not str(
        answer.headers.get("Location", "")
    ).startswith("/login/")


def test_every_address_lets_through_whom_the_matrix_names(
    people: dict[str, Client],
    world: dict[str, Any],  # noqa: F811
) -> None:
    rows = stated()
    names = {str(pattern.name) for pattern in all_patterns()} - WITHOUT_LOGIN
    assert not names - set(rows), f"no row says who may ask for {sorted(names - set(rows))}"
    assert not set(rows) - names, f"rows of no address: {sorted(set(rows) - names)}"
    wrong = []
    for pattern in all_patterns():
        name = str(pattern.name)
        if name in WITHOUT_LOGIN:
            continue
        address = address_of(pattern, world)
        for method, who in zip(("get", "post"), rows[name], strict=True):
            asking = people if CLASSES[who] else {"administrator": people["administrator"]}
            found = {key for key, one in asking.items() if let_through(one, method, address)}
            if found != CLASSES[who]:
                word = next((key for key, some in CLASSES.items() if some == found), sorted(found))
                wrong.append(f"{method} {name} ({address}): {word}, the matrix says {who}")
    assert not wrong, "\n".join(wrong)


def test_whoever_is_not_logged_in_gets_the_log_in_and_nothing_else(
    world: dict[str, Any],  # noqa: F811
) -> None:
    nobody = Client()
    for pattern in all_patterns():
        if str(pattern.name) not in WITHOUT_LOGIN:
            address = address_of(pattern, world)
            assert not let_through(nobody, "get", address), address
            assert not let_through(nobody, "post", address), address


def test_programs_are_asked_for_a_token_whatever_a_browser_has(people: dict[str, Client]) -> None:
    for client in (Client(), people["administrator"]):
        for address in _of_programs():
            for method in ("get", "post", "put", "delete"):
                answer = getattr(client, method)(address)
                assert answer.status_code in (401, 405), (method, address, answer.status_code)


def _of_programs() -> Iterator[str]:
    parts = [("", get_resolver())]
    while parts:
        before, resolver = parts.pop()
        for one in resolver.url_patterns:
            route = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                parts.append((route, one))
            elif route.startswith("api/v1/") and not route.endswith(("openapi.json", "v1/")):
                yield "/" + re.sub(r"<[^>]+>", "1", route)


def test_what_a_person_may_not_do_is_not_shown(
    people: dict[str, Client],
    world: dict[str, Any],  # noqa: F811
) -> None:
    """No form and no link of any page leads anywhere that refuses who looks at it."""
    rows, wrong, looked = stated(), {}, 0
    for role, client in people.items():
        for page in world["pages"]:
            answer = client.get(page)
            if answer.status_code != 200 or answer.streaming:
                continue
            looked += 1
            text = answer.content.decode()
            asked = {("get", link) for link in re.findall(r'href="(/[^"#]*)"', text)}
            asked |= {
                (form.method, form.action)
                for form in forms_of(text, page)
                if "list" not in form.fields  # one's own columns
            }
            for method, address in asked:
                name = _name(address)
                if name in rows and role not in CLASSES[rows[name][method == "post"]]:
                    wrong.setdefault(f"{role}: {method} {name}", page)
    assert looked > 300
    assert not wrong, "\n".join(f"{what} on {page}" for what, page in sorted(wrong.items()))


def _name(address: str) -> str:
    try:
        return str(resolve(urlsplit(address).path).url_name)
    except Resolver404:
        return ""


def test_every_right_that_the_program_asks_for_is_somebodys(db: None) -> None:
    """A right that no role has, and that is not meant for administrators, is a page for nobody."""
    asked = set()
    for path in Path(mppcqa.__file__).parent.rglob("*"):
        if path.suffix in (".py", ".html") and "migrations" not in path.parts:
            text = path.read_text()
            asked |= set(re.findall(r'"([a-z_]+\.(?:add|change|delete|view)_[a-z]+)"', text))
            asked |= set(re.findall(r"perms\.([a-z_]+\.(?:add|change|delete|view)_[a-z]+)", text))
    there = {
        f"{app}.{name}"
        for app, name in Permission.objects.values_list("content_type__app_label", "codename")
    }
    assert asked <= there
    given = set().union(*(role.rights for role in ROLES.values()))
    assert given <= there
    administrators = {
        *("auth.add_user", "auth.change_user", "auth.view_user"),
        *("queue.change_worker", "exchange.add_webhook"),
        *("bundles.add_key", "bundles.change_key", "bundles.change_installation"),
    }
    assert asked - given == administrators
    assert User.objects.count() == 0
