"""Pens of people who were neither at the bench nor granted anything."""

from __future__ import annotations

import base64
import time
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.people.second import begin, new_secret
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


def phone_of(user: User) -> TOTP:
    """Somebody's phone: a second factor is made, and this shows its codes."""
    secret = new_secret()
    phone = phone_with(secret)
    begin(user, secret, phone.generate(time.time() - 30).decode())
    return phone


def phone_with(secret: str) -> TOTP:
    """A phone into which these letters were typed."""
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303  as phones compute


def shown(phone: TOTP, ahead: int = 0) -> str:
    """What a phone shows; so many steps later where one code was used already."""
    return phone.generate(time.time() + 30 * ahead).decode()
