"""Buttons of a webhook that two administrators have open: the second is told who was first."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.audit.source import acting
from mppcqa.exchange.hooks.delivering import _give_up
from mppcqa.exchange.hooks.models import Delivery, Webhook
from mppcqa.exchange.hooks.sending import Answer
from mppcqa.queue.models import Task
from mppcqa.queue.runner import _source
from tests.web.edit_cases import form_on

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_press_the_second_is_told_by_whom_and_no_second_secret_is_made(
    operator: User,
) -> None:
    hook = Webhook.objects.create(
        owner=operator, title="lims", url="https://lims.example.org/", events=["run.ended"]
    )
    page = hook.get_absolute_url()
    rosa, ana = Client(), Client()
    rosa.force_login(operator)
    ana.force_login(User.objects.create_superuser("ana"))
    renew, change = (form_on(rosa, page, page, action=one).fields for one in ("renew", "change"))
    first = form_on(ana, page, page, action="renew").fields
    assert "whsec_" in ana.post(page, first).content.decode()
    told = rosa.post(page, renew)
    assert told.status_code == 409
    assert "ana saved this at" in told.content.decode()
    assert "whsec_" not in told.content.decode()
    hook.refresh_from_db()
    assert hook.generation == 1
    # Her new secret is no other setting; what she types next is.
    assert rosa.post(page, {**change, "title": "mine"}).status_code == 302
    hers = form_on(ana, page, page, action="change").fields
    assert ana.post(page, {**hers, "title": "hers"}).status_code == 302
    both = rosa.post(page, {**change, "title": "mine too"})
    assert both.status_code == 409
    assert "ana saved this at" in both.content.decode()


def test_a_webhook_that_the_program_switched_off_says_so_and_not_somebody(operator: User) -> None:
    hook = Webhook.objects.create(
        owner=operator, title="lims", url="https://lims.example.org/", events=["run.ended"]
    )
    page, rosa = hook.get_absolute_url(), Client()
    rosa.force_login(operator)
    off = form_on(rosa, page, page, action="off").fields
    task = Task.objects.create(name="exchange.deliver", worker="here:1")
    row = Delivery.objects.create(hook=hook, event="run.ended", key="k", body="{}", tries=9)
    with acting(_source(task)):
        _give_up(row, Answer(410, "gone"), task)
    hook.refresh_from_db()
    assert not hook.active
    told = rosa.post(page, off)
    assert told.status_code == 409
    text = " ".join(told.content.decode().split())
    assert re.search(r"The program changed this at \d{4}-", text)
    assert "Somebody" not in text
    changes = rosa.get(f"/changes/exchange.webhook/{hook.pk}/").content.decode()
    assert "the program" in changes
