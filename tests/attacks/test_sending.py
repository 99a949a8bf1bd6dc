"""Forms of other sites, links that change something, and fields that no form has."""

from __future__ import annotations

import random
import re
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models, transaction
from django.test import Client

from mppcqa.audit.models import Waiting
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from tests.thoroughness import tries
from tests.web.formfields import PageForm, forms_of
from tests.web.test_typed import address_of, all_patterns

PROGRAMS = {"metrics", "health_live", "health_ready"}
NOTED = {
    "store_storedfault": "a file that is missing is noted when somebody looks for it",
    "bundles_installation": "this installation's own name, the first time that it is looked at",
    "bundles_key": "and its key, which nobody could choose",
}
"""Tables to which a look may add a row, which hurts nobody."""


HARMLESS = {(table, "I") for table in NOTED}


def entries(since: int = 0) -> list[tuple[str, str, str]]:
    """What changed, as the database itself noted it: table, what was done, which columns."""
    return sorted(
        (one.table, one.action, ",".join(re.findall(r'"(\w+)":', one.after or "")))
        for one in Waiting.objects.order_by("pk")[since:]
    )


def test_a_form_of_another_site_changes_nothing(
    world: dict[str, Any], operator: User, tried: list[int]
) -> None:
    """Every address, sent by a browser that is logged in and without the page's token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    wrong, asked = [], 0
    for pattern in all_patterns():
        if str(pattern.name) in PROGRAMS:
            continue
        address = address_of(pattern, world)
        for headers in ({}, {"Origin": "https://evil.example"}, {"X-CSRFToken": "x" * 64}):
            before = Waiting.objects.count()
            answer = client.post(address, {"action": "remove", "password": "x"}, headers=headers)
            asked += 1
            if answer.status_code not in (403, 405) or Waiting.objects.count() != before:
                wrong.append(f"{pattern.name} {address}: {answer.status_code}, {entries(before)}")
    tried.append(asked)
    assert not wrong, "\n".join(wrong)


def test_no_link_changes_anything(
    world: dict[str, Any], browser_client: Client, tried: list[int]
) -> None:
    """A picture in a colleague's comment can ask for any address."""
    wrong = []
    for pattern in all_patterns():
        address = address_of(pattern, world)
        with transaction.atomic():
            before = Waiting.objects.count()
            list(browser_client.get(f"{address}?action=remove&delete=1&state=x&confirm=yes"))
            after = [one for one in entries(before) if one[:2] not in HARMLESS]
            transaction.set_rollback(True)
        if after:
            wrong.append(f"{pattern.name} {address}: {after}")
    tried.append(len(all_patterns()))
    assert not wrong, "\n".join(wrong)


def columns() -> dict[str, str]:
    """Every column of every table with a value that would show, as an attacker adds them."""
    names = {"is_superuser", "is_staff", "password", "id", "pk", "csrf_exempt", "groups"}
    for model in apps.get_models():
        for field in model._meta.fields:
            names |= {field.name, field.attname}
            if isinstance(field, models.ForeignKey):
                names.add(f"{field.name}__id")
    return dict.fromkeys(sorted(names), "1")


def test_fields_that_a_form_does_not_have_change_nothing(
    world: dict[str, Any], tried: list[int]
) -> None:
    """Each form as its page has it, alone and with every column of the database beside it."""
    client = Client()
    client.force_login(invite("an.analyst", ROLES["analyst"], by=None))
    extra, wrong, asked = columns(), [], 0
    pages = world["pages"]
    for page in random.Random(21).sample(pages, tries(len(pages) // 3, len(pages))):  # noqa: S311
        answer = client.get(page)
        if answer.streaming or "html" not in answer.headers["Content-Type"]:
            continue
        for form in forms_of(answer.content.decode(), page):
            if form.method != "post" or form.action in ("/logout/", "/language/"):
                continue
            asked += 1
            plain = _sent(client, form, {})
            more = {name: one for name, one in extra.items() if name not in form.fields}
            filled = _sent(client, form, more)
            # A field too many may well be refused; nothing else may come of it.
            if plain and (more_of := [one for one in filled if one not in plain]):
                wrong.append(f"{page} {form.action}: changes {more_of} as well")
            if any(table.startswith("auth_") for table, *_what in filled):
                wrong.append(f"{page} {form.action}: changes an account, {filled}")
    tried.append(asked * len(extra))
    assert asked > tries(10, 30)
    assert not wrong, "\n".join(wrong)


def _sent(client: Client, form: PageForm, more: dict[str, str]) -> list[tuple[str, str, str]]:
    with transaction.atomic():
        before = Waiting.objects.count()
        list(client.post(form.action, {**form.fields, **more}))
        found = entries(before)
        transaction.set_rollback(True)
    return found
