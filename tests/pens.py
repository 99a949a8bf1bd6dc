"""Pens of people who were neither at the bench nor granted anything."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from mppcqa.signing.pen import Pen

SECRET = "a-quiet-photon-42"


def pen_of(name: str = "nora") -> Pen:
    """A person of every right, as on the server's command line."""
    user = User.objects.filter(username=name).first()
    return Pen.on_command(user or User.objects.create_superuser(name, password=SECRET))


def browser_of(name: str = "nora") -> Client:
    """The same person at a browser; her password is `SECRET`."""
    client = Client()
    client.force_login(pen_of(name).person)
    return client


def signed(**fields: Any) -> dict[str, Any]:
    """A form with the password that its dialog asks for."""
    return {**fields, "sign_password": SECRET}
