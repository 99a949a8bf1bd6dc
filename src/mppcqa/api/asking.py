"""Who asks: the token of a person in the header Authorization, never a browser's cookie."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from mppcqa.inventory.scope import scope_of
from mppcqa.people.models import PersonToken
from mppcqa.people.person_tokens import find_token

READS = ("GET", "HEAD", "OPTIONS")
Row = TypeVar("Row", bound=Model)


AT_HOME = "mppcqa.person"
"""Where a command of this home says for whom it asks: no header becomes such a variable."""


class PersonBearer(HttpBearer):
    """`request.auth` is the token's row, and with it the person."""

    def __call__(self, request: HttpRequest) -> Any:
        """What a command of this home gave, or the row of the token in the header."""
        given = request.META.get(AT_HOME)
        return given if isinstance(given, PersonToken) else super().__call__(request)

    def authenticate(self, request: HttpRequest, token: str) -> PersonToken | None:
        """The row of a token that counts; 403 where one that only reads would change."""
        row = find_token(token, request.META.get("REMOTE_ADDR", ""))
        if row is not None and not row.writes and request.method not in READS:
            raise HttpError(403, "This token only reads: make one that may change, at /tokens/.")
        return row


def who(request: HttpRequest) -> User:
    """The person whose token was shown."""
    row: PersonToken = request.auth  # type: ignore[attr-defined]
    user: User = row.user
    return user


def with_right(request: HttpRequest, right: str) -> User:
    """The person, who must have a right; 403 with its name where not."""
    user = who(request)
    if not user.has_perm(right):
        text = f"{user} may not do this: the right {right} is missing. An administrator gives a "
        raise HttpError(403, text + "role that has it.")
    return user


def of_all(request: HttpRequest) -> User:
    """The person, who must see all devices; 403 where some alone."""
    user = who(request)
    if scope_of(user).bound:
        raise HttpError(403, "This tells of all devices, and your account sees some of them alone.")
    return user


def one_of(rows: QuerySet[Row], what: str, **named: Any) -> Row:
    """The row of that name or number; 404 where there is none that the person sees."""
    found = rows.filter(**named).first()
    if found is None:
        name = next(iter(named.values()))
        raise HttpError(404, f"There is no {what} {name}, or you do not see it.")
    return found
