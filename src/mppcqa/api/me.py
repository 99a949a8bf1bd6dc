"""``/api/v1/me``: whose token this is."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

import mppcqa
from mppcqa.api import schemas as say
from mppcqa.api.asking import who
from mppcqa.people.roles import role_of

router = Router(tags=["me"])


@router.get("", response=say.Me, summary="Whose token this is")
def me(request: HttpRequest) -> Any:
    """The person, the role, and what the token opens: the first thing to try."""
    user, token = who(request), request.auth  # type: ignore[attr-defined]
    role, person = role_of(user), getattr(user, "person", None)
    return {
        "user": user.get_username(),
        "role": role.key if role else None,
        "writes": token.writes,
        "token": token.begins,
        "ends_at": token.ends_at,
        "institute": person.institute.name if person and person.institute else None,
        "campaign": person.campaign.name if person and person.campaign else None,
        "rights": sorted(user.get_all_permissions()),
        "version": mppcqa.__version__,
    }
