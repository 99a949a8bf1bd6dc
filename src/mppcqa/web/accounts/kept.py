"""What was typed into a form whose session or token was lost meanwhile.

It is carried by the pages themselves, signed: the browser that sent the form gets it back with the
log-in, and may send it again afterwards. Nothing is stored on the server, so nobody else can come
upon it; and only who was logged in when it was typed gets to see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

SALT = "mppcqa.kept"
PERSON = "person"
"""Cookie that says who was logged in last with this browser."""
PERSON_AGE_S = 30 * 86_400
AGE_S = 86_400
UNKNOWN_AGE_S = 900
"""Where nobody knows who typed it."""
MOST_CHARACTERS = 2_000_000
NEVER = ("csrfmiddlewaretoken", "kept")


@dataclass(frozen=True)
class Kept:
    """A form as it was sent, but for its files and passwords."""

    path: str
    fields: list[list[str]]
    files: list[list[str]]
    """Name of the field and of the file: a browser lets nobody but the person choose one."""
    person: int | None

    def is_for(self, user: Any) -> bool:
        """Whether this person typed it, as far as that is known."""
        return self.person is None or self.person == user.pk

    def signed(self) -> str:
        """For a hidden field; empty if it is too long for one."""
        values = [self.path, self.fields, self.files, self.person]
        text = signing.dumps(values, salt=SALT, compress=True)
        return text if len(text) <= MOST_CHARACTERS else ""

    @property
    def shown(self) -> list[tuple[str, str]]:
        """What a person would recognise of it."""
        return [
            (name.replace("_", " "), value)
            for name, value in self.fields
            if value.strip() and name not in ("action", "next", "opened")
        ]


def keep(request: HttpRequest) -> Kept:
    """The form of a request that was certainly sent by a page of ours."""
    person = request.user.pk if request.user.is_authenticated else _last_person(request)
    fields = [
        [name, value]
        for name, values in request.POST.lists()
        for value in values
        if name not in NEVER and "password" not in name
    ]
    files = [
        [name, file.name or ""] for name, some in request.FILES.lists() for file in some if file
    ]
    return Kept(request.get_full_path(), fields, files, person)


def from_signed(text: str) -> Kept | None:
    """What `Kept.signed` gave, unless somebody changed it or it is too old."""
    try:
        found = Kept(*signing.loads(text, salt=SALT, max_age=AGE_S))
        if found.person is None:
            signing.loads(text, salt=SALT, max_age=UNKNOWN_AGE_S)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return found


def is_from_here(request: HttpRequest) -> bool:
    """Whether a page of this site sent the request; browsers say so, and no page can lie."""
    origin = request.headers.get("Origin", "")
    own = f"{request.scheme}://{request.get_host()}"
    return bool(urlsplit(origin).netloc) and origin in (own, *settings.CSRF_TRUSTED_ORIGINS)


def _last_person(request: HttpRequest) -> int | None:
    value = request.get_signed_cookie(PERSON, default=None, salt=SALT, max_age=PERSON_AGE_S)
    return int(value) if value else None


def remember_person(request: HttpRequest, response: HttpResponse) -> None:
    """Note in the browser who is logged in, for `keep` when that is over."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or _last_person(request) == user.pk:
        return
    response.set_signed_cookie(
        PERSON,
        str(user.pk),
        salt=SALT,
        max_age=PERSON_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
