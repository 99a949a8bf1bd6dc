"""A request that is sent twice and done once: by the header ``Idempotency-Key``.

What was done and what was answered are written in one transaction, so that there is never the one
without the other. Where the action was refused nothing is kept, and the same key may try again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Status

from mppcqa.api.models import KeptAnswer
from mppcqa.api.problems import Faulty
from mppcqa.refused import Fault

HEADER = "Idempotency-Key"
LONGEST = 100
KEPT = dt.timedelta(days=2)
TIDIED = 100
"""Old answers that go whenever one is kept."""


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that gives the kept answer where the same token sent the same key before."""

    @wraps(view)
    def kept(request: HttpRequest, *arguments: Any, **named: Any) -> Any:
        key = request.headers.get(HEADER, "")
        if not key:
            return view(request, *arguments, **named)
        if len(key) > LONGEST:
            raise Faulty([Fault(f"At most {LONGEST} characters.", field=HEADER)])
        with transaction.atomic():
            row, made = _claim(request, key)
            if not made:
                return _given(row, request)
            answer = view(request, *arguments, **named)
            said = answer if isinstance(answer, Status) else Status(200, answer)
            row.status, row.body = said.status_code, json.dumps(said.value, cls=DjangoJSONEncoder)
            row.save(update_fields=["status", "body"])
        return answer

    # What reads the annotations looks for their names in the module of the function.
    kept.__signature__ = signature(view, eval_str=True)  # type: ignore[attr-defined]
    return kept


def _claim(request: HttpRequest, key: str) -> tuple[KeptAnswer, bool]:
    token = request.auth  # type: ignore[attr-defined]
    old = KeptAnswer.objects.filter(made_at__lt=timezone.now() - KEPT).values_list("pk", flat=True)
    KeptAnswer.objects.filter(pk__in=list(old[:TIDIED])).delete()
    try:
        # Of two at once the second waits here for the first.
        with transaction.atomic():
            return KeptAnswer.objects.create(token=token, key=key, asked=_asked(request)), True
    except IntegrityError:
        return KeptAnswer.objects.select_for_update().get(token=token, key=key), False


def _given(row: KeptAnswer, request: HttpRequest) -> Any:
    if row.asked != _asked(request):
        text = "This key came with another request before; take a new key for a new request."
        raise Faulty([Fault(text, field=HEADER)])
    return Status(row.status, json.loads(row.body))


def _asked(request: HttpRequest) -> str:
    said = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(said).hexdigest()
