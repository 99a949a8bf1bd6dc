"""What a scan says of what comes next for a device."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.inventory.placing import campaign_of
from mppcqa.results.way import way_of, ways
from mppcqa.runs.models import Station


def next_step(device: Device) -> list[str]:
    """What comes next for a device, where, and why."""
    way = way_of(device)
    if way is None or not way.next:
        return []
    step = _("Next: %s") % way.text
    return list(filter(None, [f"{step} → {way.where}" if way.stations else step, way.why]))


def elsewhere(station: Station, devices: Sequence[Device]) -> list[str]:
    """Those for which another stage comes next than the one that they were loaded for."""
    found = ways((one.pk, one.state, campaign_of(one)) for one in devices)
    text = _("%(serial)s: next in its campaign is “%(next)s”, not this stage.")
    return [
        text % {"serial": one.serial, "next": found[one.pk].text}
        for one in devices
        if one.pk in found and found[one.pk].next not in ("", station.stage)
    ]
