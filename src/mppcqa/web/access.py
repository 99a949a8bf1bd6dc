"""Who may do what: pages are for people who are logged in, changes for those with the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


def person(request: HttpRequest) -> User:
    """Who asks. Every page but the log-in is for people who are logged in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def allowed(permission: str) -> Callable[[Any], Any]:
    """Refuse with a page that says so, rather than send a person who is logged in to log in."""
    return permission_required(permission, raise_exception=True)
