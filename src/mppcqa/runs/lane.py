"""The queue of a station's own."""

from __future__ import annotations

from mppcqa.queue import lanes
from mppcqa.queue.models import Lane
from mppcqa.runs.models import Station


def station_lane(station: Station) -> Lane:
    """The station's own queue, which runs one task at a time."""
    lane, _made = Lane.objects.get_or_create(
        name=station.lane, defaults={"exclusive": True, "make_safe": station.make_safe}
    )
    # A computer that is reached by the network alone leaves its hardware safe by itself.
    make_safe = [] if station.remote else station.make_safe
    blocks = station.expiry == Station.Expiry.BLOCK
    until = station.calibrated_until if blocks else None
    wanted = {"make_safe": make_safe, "calibrated_until": until}
    wanted |= {"remote": True, "dedicated": False} if station.remote else {"remote": False}
    if any(getattr(lane, name) != value for name, value in wanted.items()):
        served = lane.broker_queue
        Lane.objects.filter(pk=lane.pk).update(**wanted)
        for name, value in wanted.items():
            setattr(lane, name, value)
        if lane.broker_queue != served:
            lanes.serve_elsewhere(lane)
    return lane
