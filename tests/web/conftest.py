"""Somebody logged in, before a small campaign."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from mppcqa.runs.actions import load_station
from mppcqa.runs.models import Station


@pytest.fixture
def browser_client(operator: User) -> Iterator[Client]:
    client = Client()
    client.force_login(operator)
    yield client
    # The language of a page stays with the thread, and the next test would speak it.
    translation.deactivate()


@pytest.fixture
def loaded(campaign: SimpleNamespace, operator: User) -> Station:
    """The Dark Box station with one device in its first slot."""
    station: Station = campaign.stations[1]
    load_station(station, {1: campaign.devices[0].serial}, by=operator)
    return station
