"""Somebody logged in, who reads English."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.translation import override


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page that another test opened in Spanish leaves its language to this process."""
    with override("en"):
        yield


@pytest.fixture
def browser_client(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client
