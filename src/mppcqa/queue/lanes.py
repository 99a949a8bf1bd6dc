"""What people decide about a station's lane: whose it is, whether it is in use, its calibration."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.dispatch import dispatch
from mppcqa.queue.models import OPEN_STATES, Lane, State, Task
from mppcqa.refused import Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LONGEST = dt.timedelta(days=30)


class LaneRefused(Refused):
    """Not done; the message says why."""


def reserve(lane: Lane, person: AbstractBaseUser, hours: float) -> None:
    """Keep the lane for one person; what others ask for waits until then."""
    if lane.is_reserved and lane.reserved_by_id != person.pk:
        raise LaneRefused(
            _("%(lane)s is reserved for %(person)s") % {"lane": lane, "person": lane.reserved_by}
        )
    if not 0 < hours <= LONGEST.total_seconds() / 3600:
        raise LaneRefused(_("A reservation lasts between a minute and 30 days."))
    until = timezone.now() + dt.timedelta(hours=hours)
    Lane.objects.filter(pk=lane.pk).update(reserved_by=person, reserved_until=until)
    transaction.on_commit(dispatch)


def release(lane: Lane) -> None:
    """End the reservation."""
    Lane.objects.filter(pk=lane.pk).update(reserved_by=None, reserved_until=None)
    transaction.on_commit(dispatch)


def set_maintenance(lane: Lane, why: str) -> None:
    """Take the lane out of service, or back into it where `why` is empty.

    What runs goes on; nothing new starts.
    """
    Lane.objects.filter(pk=lane.pk).update(maintenance=why.strip()[:200])
    transaction.on_commit(dispatch)


def set_calibration(lane: Lane, until: dt.date | None) -> None:
    """The last day on which it counts as calibrated; None where calibration does not matter."""
    Lane.objects.filter(pk=lane.pk).update(calibrated_until=until)
    transaction.on_commit(dispatch)


def serve_elsewhere(lane: Lane) -> None:
    """What is queued in a lane goes to where it is served from now on."""
    queued = Task.objects.filter(lane=lane.name, state=State.QUEUED)
    queued.update(served_by=lane.broker_queue)
    transaction.on_commit(dispatch)


def is_busy(name: str) -> bool:
    """Whether tasks of this lane wait or run."""
    return Task.objects.filter(lane=name, state__in=OPEN_STATES).exists()


def rename(name: str, new: str) -> None:
    """Give a lane, with its lock and whatever was decided about it, another name."""
    # One that a removed station left behind: names of stations are unique.
    Lane.objects.filter(name=new, holder=None).delete()
    Lane.objects.filter(name=name).update(name=new)
    transaction.on_commit(dispatch)


def remove(name: str) -> None:
    """Take a lane away; tasks that wait in it end with the reason."""
    Lane.objects.filter(name=name).delete()
    transaction.on_commit(dispatch)
