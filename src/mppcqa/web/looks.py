"""How values, states and times look on pages: words and signs, the markup is in templates."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any, cast
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from mppcqa.digits import number
from mppcqa.views import texts
from mppcqa.web.addresses import address
from mppcqa.web.zones import here

_SPECTRUM = re.compile(r"^(\S+ @spectrum[ \t]+\S{1,40})[ \t]+(.*)$", re.MULTILINE)
# What a person looks for first is the kind; the word says which exactly.
KINDS = {
    "good": ("circle-check", {"pass", "succeeded", "ok", "installed", "valid"}),
    "warn": (
        "alert-triangle",
        {"warning", "waived", "killed", "timed_out", "maintenance", "on_hold", "soon"},
    ),
    "bad": ("circle-x", {"fail", "failed", "lost", "error", "expired"}),
    "busy": ("player-play", {"running", "busy", "in_test", "shipped"}),
    "calm": ("clock", {"waiting", "queued", "incomplete", "info", ""}),
}
KIND_OF = {state: (kind, icon) for kind, (icon, states) in KINDS.items() for state in states}


def kind_of(state: Any) -> tuple[str, str]:
    """Kind (good, warn, bad, busy, calm) and icon of a state or an outcome."""
    return KIND_OF.get(str(state), ("calm", "circle"))


def words_of(state: Any, text: Any = "") -> str:
    """What a badge says: `text`, or the state's own label."""
    return str(
        text or getattr(state, "label", None) or str(state).replace("_", " ") or _("not judged")
    )


def state_kind(state: Any) -> str:
    return "state-" + kind_of(state)[0]


def state_icon(state: Any) -> str:
    return kind_of(state)[1]


EVENTS = {
    "registered": "circle-plus",
    "run": "player-play",
    "judged": "gavel",
    "shipped": "truck",
    "renamed": "edit",
    "moved": "arrow-right",
    "record": "radioactive",
    "mounted": "stack-2",
}


def event_icon(kind: str) -> str:
    """The sign of something that happened to a device."""
    return EVENTS[kind]


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds is None:
        return "—"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def clock(when: Any) -> str:
    """Date and time to the second, by the clock of whoever reads."""
    return here(when).strftime("%Y-%m-%d %H:%M:%S") if when else "—"


def moment(when: dt.datetime | None) -> str:
    """Date and time to the minute, by the clock of whoever reads."""
    return texts.moment(here(when) if when else None)


def size(number: int | None) -> str:
    """Bytes as people read them."""
    if number is None:
        return "—"
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < (1000 if unit == "B" else 999.95) or unit == "GB":  # 1.0 MB, not 1000.0 kB
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return ""


def grouped(number: int) -> str:
    """A count with its thousands apart, as the reader's language does it."""
    return str(number_format(number, force_grouping=True))


def short(value: float | None) -> str:
    """A number with five significant digits."""
    return "—" if value is None else number(value)


def rough(value: float | None) -> str:
    """A spread or a rate, which is known to a few per cent at best: three significant digits."""
    if value is None:
        return "—"
    return number(float(f"{value:.3g}")) if math.isfinite(value) else number(value)


def part(percent: float) -> str:
    """The class that gives an element so much of the width: no page may write styles of its own.

    >>> part(33.3), part(0), part(0.01), part(120)
    ('part-67', 'part-0', 'part-1', 'part-200')
    """
    halves = min(max(round(2 * percent), 0), 200)
    return f"part-{halves or int(percent > 0)}"


def query(asked: QueryDict | dict[str, Any], **changes: Any) -> str:
    """The page's own query string with some entries changed; None or '' removes one."""
    values = QueryDict(mutable=True)
    values.update(cast(Any, asked))
    for key, value in changes.items():
        values.pop(key, None)
        if value not in (None, ""):
            values[key] = value
    return "?" + values.urlencode()


LISTS = {"lot", "tag"}
"""What has no page of its own, but a list of the devices that belong to it."""


def whereabouts(about: tuple[str, str]) -> str:
    """Address of what a view names by its kind and key."""
    kind, key = about
    if kind in LISTS:
        return f"{address('device_list')}?{urlencode({kind: key})}"
    return address(kind, key)


def told(log: str) -> str:
    """A log as a page shows it: the hundreds of numbers of a histogram by their number.

    The download has them, and the console draws them.
    """
    return _SPECTRUM.sub(
        lambda line: f"{line[1]} ({line[2].count(',') + 1} {_('numbers, drawn on the console')})",
        log,
    )
