"""How much one person, or one station, may bring within a day: nobody fills the server's disk.

What is brought is counted by the hour as it comes, whatever is done with it. What would be too much
is refused before it is kept, and who brings it still has it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.people.models import Uploaded

FREE_BYTES = 100_000
"""What is smaller and no file is not counted: a form's texts, a station's messages."""
HOURS = 24
LONGEST_WAIT_S = 600
"""A program asks again then at the latest: somebody may have raised the bound."""


@dataclass(frozen=True)
class Refusal:
    """Nothing of it was taken."""

    text: str
    wait_s: int
    """Seconds until a program had better ask again."""


def charge(who: str, size: int, *, file: bool = False) -> Refusal | None:
    """Count `size` bytes that somebody is about to bring; why not, where it is too much.

    `who` is ``person 12`` or ``station 3``. Of a `file` every byte counts, in however small pieces
    it comes. Two who ask at once do not both get the last of it.
    """
    most = int(settings.MPPCQA_UPLOADS_GB * 1e9)
    if not size or (size < FREE_BYTES and not file) or not most:
        return None
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = Uploaded.objects.filter(who=who)
    row, new = Uploaded.objects.get_or_create(who=who, hour=hour, defaults={"size": size})
    if new:
        Uploaded.objects.filter(hour__lte=hour - dt.timedelta(hours=2 * HOURS)).delete()
    else:
        rows.filter(pk=row.pk).update(size=F("size") + size)
    counted = rows.filter(hour__gt=hour - dt.timedelta(hours=HOURS))
    total = counted.aggregate(total=Sum("size"))["total"] or 0
    if total <= most:
        return None
    rows.filter(pk=row.pk).update(size=F("size") - size)
    return _refusal(list(counted.order_by("hour").values_list("hour", "size")), size, most, now)


def _refusal(
    counted: list[tuple[dt.datetime, int]], size: int, most: int, now: dt.datetime
) -> Refusal:
    """From when on there is room again."""
    left = sum(one for _hour, one in counted)
    told = {"size": _gb(size), "most": _gb(most), "used": _gb(left)}
    if size > most:
        text = _(
            "This is %(size)s, and within a day %(most)s are taken from one person or station. "
            "Nothing of it was taken. Whoever keeps the server can raise MPPCQA_UPLOADS_GB."
        )
        return Refusal(text % told, LONGEST_WAIT_S)
    again = now
    for hour, one in counted:
        if left + size <= most:
            break
        left -= one
        again = hour + dt.timedelta(hours=HOURS)
    text = _(
        "You have brought %(used)s within a day, and %(most)s are taken from one person or "
        "station: %(size)s more are too much. Nothing of it was taken, and you still have it: "
        "bring it again after %(again)s UTC. Whoever keeps the server can raise MPPCQA_UPLOADS_GB."
    )
    wait_s = min(LONGEST_WAIT_S, max(1, round((again - now).total_seconds())))
    return Refusal(text % {**told, "again": f"{again:%Y-%m-%d %H:%M}"}, wait_s)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
