"""What verdicts have against a move of devices: who fails may be neither packed nor sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.inventory.states import Move
from mppcqa.results.models import Outcome, Standing

BATCH = 500


def failing(move: Move, devices: Mapping[int, str], **_named: Any) -> dict[int, str]:
    """Devices that fail a stage, without a waiver that holds, and may not be packed or sent."""
    if move not in (Move.PACK, Move.SHIP):
        return {}
    ids, found = list(devices), {}
    text = _(
        "%(serial)s fails (%(stage)s); leave it out, or say in the shipment that it is returned, "
        "or why it may go"
    )
    for start in range(0, len(ids), BATCH):
        rows = Standing.objects.filter(device__in=ids[start : start + BATCH], outcome=Outcome.FAIL)
        for one in rows.select_related("verdict__waiver"):
            waiver = getattr(one.verdict, "waiver", None)
            if waiver is None or not waiver.holds:
                values = {"serial": devices[one.device_id], "stage": stage_title(one.stage)}
                found[one.device_id] = text % values
    return found


def stage_title(key: str) -> str:
    """A stage in the reader's language; its key where this program no longer has it."""
    from mppcqa.stages import get_stage

    try:
        return _(get_stage(key).title)
    except (LookupError, ValueError):
        return key
