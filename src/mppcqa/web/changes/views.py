"""The audit's entries on one thing, asked for by its page once that is shown."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mppcqa.inventory.cases import Case
from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.scope import ScopedQuerySet, scope_of
from mppcqa.limits.models import LimitSet
from mppcqa.runs.models import Run, Station
from mppcqa.views.changes import changes_of
from mppcqa.web.access import person
from mppcqa.web.catalogue.entries import ENTRIES

_MODELS: list[type[models.Model]] = [
    *(Device, Run, Shipment, Tray, Case, LimitSet, Station, User),
    *(entry.model for entry in ENTRIES.values()),
]
SHOWN = {model._meta.label_lower: model for model in _MODELS}
"""What has a page of its own."""


@require_GET
def changes(request: HttpRequest, label: str, number: int) -> HttpResponse:
    """A fragment. Whoever does not see the thing learns nothing of it."""
    me, model = person(request), SHOWN.get(label)
    if model is None or (model is User and not me.has_perm("auth.view_user")):
        raise Http404
    rows: Any = model._default_manager.all()
    if isinstance(rows, ScopedQuerySet):
        rows = rows.visible_to(me)
    elif scope_of(me).bound:
        raise Http404  # what belongs to all may name what belongs to others
    row = get_object_or_404(rows, pk=number)
    context = {"changes": changes_of(model, row.pk), "in_full": me.is_superuser}
    return render(request, "web/changes/changes.html", context)
