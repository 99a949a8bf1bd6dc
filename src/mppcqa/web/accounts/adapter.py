"""What django-allauth asks us: who may try a password how often, and what the log says of it."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.forms import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

log = logging.getLogger("mppcqa.login")


class Adapter(DefaultAccountAdapter):
    """Nobody signs up; wrong passwords are counted by account and by address, and logged."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name or the password is wrong."),
        "too_many_login_attempts": _(
            "Too many wrong passwords, for this account or from this computer. Wait five minutes "
            "and try again, after many more tries an hour; until then the right one is refused too."
        ),
    }

    def get_login_stages(self) -> list[str]:
        return ["mppcqa.web.accounts.second.CodeStage"]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *arguments: Any, **named: Any) -> None:
        """Say nothing of our own accord: the page shows who is logged in."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # MariaDB finds rosa by Rósa too: each way of writing a name must count as the same.
        typed = credentials.get("username", "")
        name = known_name(typed)
        try:
            super().pre_authenticate(request, **{**credentials, "username": name or typed})
        except ValidationError:
            log_failure(request, name, "not tried, too many were wrong")
            raise


def known_name(typed: str) -> str:
    """The account's own name, where there is one of what was typed."""
    users = get_user_model()
    try:
        return str(users._default_manager.get_by_natural_key(typed).get_username())
    except users.DoesNotExist:
        return ""


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any) -> None:
    log_failure(request, known_name(str(credentials.get("username", ""))), "wrong")


def log_failure(request: HttpRequest | None, name: str, what: str) -> None:
    """Who and from where. A name that no account has is not written: it may be a password."""
    place = Adapter().get_client_ip(request) if request is not None else "this program"
    log.warning("log-in refused: %s from %s (password %s)", name or "unknown name", place, what)
