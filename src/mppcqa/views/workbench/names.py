"""What groups are called, and where each leads."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _

from mppcqa.columnar.rows import point_of
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, Maker, Tray
from mppcqa.inventory.scope import Viewer
from mppcqa.results.conditions import condition_text
from mppcqa.results.models import WHOLE_DEVICE, Outcome
from mppcqa.runs.models import Station
from mppcqa.stages import Condition

MOST_NAMED = 2000


def names_of(what: str, keys: Iterable[Any], viewer: Viewer) -> dict[Any, str]:
    """Ids (or what else groups are told apart by) in words, in the reader's language."""
    wanted = [key for key in dict.fromkeys(keys) if key is not None]
    found: dict[Any, str]
    if what == "":
        return dict.fromkeys(wanted, _("all values"))
    if what == "outcome":
        found = {str(one.value): str(one.label) for one in Outcome} | {"": _("not judged")}
    elif what == "week":
        found = {week: monday(week).isoformat() for week in wanted}
    elif what == "run":
        found = {run: f"{_('run')} {run}" for run in wanted}
    elif what == "channel":
        found = {c: _("device") if c == WHOLE_DEVICE else f"{_('ch.')} {c}" for c in wanted}
    else:
        rows = _rows(what, viewer).filter(pk__in=wanted[:MOST_NAMED])
        found = {row.pk: str(row) for row in rows}
    return {key: found.get(key, f"{what} {key}") for key in wanted} | {None: _("none")}


def in_order(named: Iterable[str]) -> tuple[str, ...]:
    """Names as people order them: ch. 2 before ch. 10."""
    return tuple(
        sorted(
            named,
            key=lambda name: [
                (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold())
                for part in re.split(r"(\d+)", name)
                if part
            ],
        )
    )


def point_names(points: Iterable[Condition]) -> dict[int, str]:
    """The same of conditions."""
    return {point_of(at): condition_text(at) or _("at all") for at in points}


def _rows(what: str, viewer: Viewer) -> Any:
    if what == "device":
        return Device.objects.visible_to(viewer)
    if what == "tray":
        return Tray.objects.visible_to(viewer)
    others: dict[str, Any] = {
        "lot": Lot,
        "maker": Maker,
        "type": DeviceType,
        "station": Station,
        "operator": get_user_model(),
        "location": Institute,
    }
    return others[what].objects.all()


def monday(week: int) -> dt.date:
    """The first day of a week that is numbered since 1970."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=7 * int(week) - 3)
