"""What every test would pay for anew, paid once a process."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from whitenoise.middleware import WhiteNoiseMiddleware


def hash_passwords_quickly() -> None:
    """Half a second a person otherwise; a kept hash says how often, so any process reads it."""
    PBKDF2PasswordHasher.iterations = 1000


def find_static_files_once() -> None:
    """Each test's browser looks at a thousand files otherwise, a tenth of a second."""
    former = WhiteNoiseMiddleware.add_files_from_finders
    kept: dict[str, Any] = {}

    def once(self: Any) -> None:
        if not kept:
            former(self)
            kept.update(self.files)
        self.files.update(kept)

    WhiteNoiseMiddleware.add_files_from_finders = once
