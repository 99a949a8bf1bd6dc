"""Commands on this home go to the API's operations alone: pages' own files are not looked for."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.cli.at_home import ADDRESS, Home

pytestmark = pytest.mark.django_db(transaction=True)
FILE = f"{settings.STATIC_URL}web/app.css"


def test_a_command_starts_without_the_files_of_pages(operator: User) -> None:
    home = Home(operator)

    def asked(path: str) -> Any:
        address = ADDRESS + path
        return home.request(
            "GET", address, body=None, headers={}, redirect=False, preload_content=True
        )

    told = asked("/api/v1/me")
    assert told.status == 200
    assert operator.username in told.data.decode()
    assert asked(FILE).status != 200
    # The server has them as ever, also one in the same process.
    page = Client().get(FILE)
    assert page.status_code == 200
    list(page)
