"""A program that asks the API with the token of a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.people.person_tokens import make_token


class Program:
    """Shows a token, and reads JSON."""

    def __init__(self, token: str) -> None:
        self.client, self.headers = Client(enforce_csrf_checks=True), {}
        if token:
            self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers={**self.headers, **headers})

    def read(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return getattr(self.client, method)(
            f"/api/v1/{path}",
            json.dumps(body),
            content_type="application/json",
            headers={**self.headers, **headers},
        )


def program_of(user: User, *, writes: bool = True) -> Program:
    return Program(make_token(user, 10, writes=writes)[1])


@pytest.fixture
def program(campaign: SimpleNamespace, operator: User) -> Program:
    return program_of(operator)


Made = Callable[[User], Program]
