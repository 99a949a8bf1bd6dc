"""Cards that have something written: what was not, they say, and why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mppcqa.inventory.models import Institute
from mppcqa.inventory.shipping import pack
from mppcqa.queue.models import State, Task, about_key


@pytest.mark.parametrize(
    ("routine", "address"),
    [
        ("bundles.make", "/shipments/{pk}/bundles/"),
        ("reports.write", "/reports/inventory.shipment/{pk}/"),
    ],
)
def test_a_card_says_why_the_last_was_not_written(
    campaign: SimpleNamespace, operator: User, browser_client: Client, routine: str, address: str
) -> None:
    away = Institute.objects.create(name="Away")
    shipment = pack(campaign.place, away, ["GX-001"], by=operator)
    page = address.format(pk=shipment.pk)
    assert "could not be written" not in browser_client.get(page).content.decode()
    why = "the disk is full " * 30
    task = Task.objects.create(
        name=routine, state=State.FAILED, error_text=why, **about_key(shipment)
    )
    text = browser_client.get(page).content.decode()
    assert "The last one could not be written:" in text
    assert "the disk is full" in text
    assert f'href="{reverse("task", args=[task.pk])}"' in text
    assert why not in text  # as much as a card has room for
