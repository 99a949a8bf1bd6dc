"""Nobody signs the own work: who measured a device, or took it in spite of its verdict."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.results.models import Standing
from mppcqa.runs.models import Run
from mppcqa.signing.models import Act


def own_work(*, act: Act, subject: Any, person: int, **_named: Any) -> str | None:
    """Why a person (id) may not sign an act of a subject; None where nothing bars."""
    if act == Act.LIMITS:
        return None
    runs = Run.objects.filter(operator=person)
    if act == Act.WAIVER:
        measured = runs.filter(files__analyses__verdicts=subject)
        return _measured("") if measured.exists() else None
    if act == Act.ANALYSIS:
        if runs.filter(files__analyses__task__group=subject).exists():
            return _("You measured what is analysed here: another person must make it count.")
        return None
    many = act == Act.SHIPMENT
    devices: dict[str, Any] = {"device__shipments": subject} if many else {"device": subject}
    standing = Standing.objects.filter(**devices)
    mine = standing.filter(analysis__run_file__run__operator=person)
    if (one := mine.select_related("device").first()) is not None:
        return _measured(str(one.device) if many else "")
    waived = standing.filter(verdict__waiver__granted_by=person)
    today = timezone.now().date()
    holds = models.Q(verdict__waiver__expires_on=None)
    waived = waived.filter(holds | models.Q(verdict__waiver__expires_on__gte=today))
    if (one := waived.select_related("device").first()) is not None:
        return _granted(str(one.device) if many else "")
    return None


def _measured(serial: str) -> str:
    if not serial:
        return _("You measured this device yourself: another person must sign.")
    return _("You measured %s yourself: another person must sign.") % serial


def _granted(serial: str) -> str:
    if not serial:
        return _("You granted a waiver of this device yourself: another person must sign.")
    return _("You granted a waiver of %s yourself: another person must sign.") % serial
