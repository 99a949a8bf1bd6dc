"""How values, states and times look on pages."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

import mppcqa
from mppcqa.queue.models import State, lane_title
from mppcqa.web.numbers import with_uncertainty

register = template.Library()

# What a person looks for first is the kind; the word says which exactly.
KINDS = {
    "good": ("circle-check", {"pass", "succeeded", "ok"}),
    "warn": ("alert-triangle", {"warning", "killed", "timed_out", "maintenance"}),
    "bad": ("circle-x", {"fail", "failed", "lost", "error"}),
    "busy": ("player-play", {"running", "busy"}),
    "calm": ("clock", {"waiting", "queued", "incomplete", "info", ""}),
}

KIND_OF = {state: (kind, icon) for kind, (icon, states) in KINDS.items() for state in states}
NO_VERDICT = SafeString('<span class="text-secondary">—</span>')


def kind_of(state: str) -> tuple[str, str]:
    """Kind (good, warn, bad, busy, calm) and icon of a state or an outcome."""
    return KIND_OF.get(str(state), ("calm", "circle"))


@register.simple_tag
def version() -> str:
    return str(mppcqa.__version__)


@register.simple_tag
def state_badge(state: Any, text: Any = "") -> SafeString:
    """A state or an outcome as a coloured word with an icon."""
    words = text or getattr(state, "label", None) or str(state).replace("_", " ") or _("not judged")
    return _badge(str(state), str(words))


@register.simple_tag
def task_badge(state: str) -> SafeString:
    """A task's state that comes as its key; `get_state_display` translates all states each time."""
    return state_badge(State(state))


@lru_cache(1000)
def _badge(state: str, words: str) -> SafeString:
    kind, icon = kind_of(state)
    return format_html(
        '<span class="state state-{}"><i class="ti ti-{}" aria-hidden="true"></i>{}</span>',
        kind,
        icon,
        words,
    )


@register.filter
def state_kind(state: Any) -> str:
    return "state-" + kind_of(state)[0]


@register.filter
def state_icon(state: Any) -> str:
    return kind_of(state)[1]


@register.simple_tag
def measured(value: float | None, uncertainty: float | None = None, unit: str = "") -> str:
    """``51.613 ± 0.012 V``; an em dash where there is no value."""
    if value is None or not math.isfinite(value):
        return "—"
    text = with_uncertainty(value, uncertainty)
    return f"{text} {unit}".strip()


@register.filter
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


@register.filter
def moment(when: Any) -> str:
    """Date and time to the minute, the same in each language so that tables line up."""
    return when.strftime("%Y-%m-%d %H:%M") if when else "—"


@register.filter
def clock(when: Any) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S") if when else "—"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """Entry of a dict by a key that is a variable."""
    return mapping.get(key) if mapping else None


@register.filter
def size(number: int | None) -> str:
    """Bytes as people read them."""
    if number is None:
        return "—"
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return ""


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's own query string with some entries changed; None or '' removes one."""
    values = context["request"].GET.copy()
    for key, value in changes.items():
        values.pop(key, None)
        if value not in (None, ""):
            values[key] = value
    return "?" + values.urlencode()


@register.filter
def translated(text: str) -> str:
    """A stage's English text in the reader's language."""
    return _(text) if text else ""


@register.simple_tag
def band(low: float | None, high: float | None, unit: str = "") -> str:
    """``51 … 53 V``, ``≥ 51 V``, ``≤ 53 V``, or an em dash where both sides are open."""
    if low is None and high is None:
        return "—"
    if low is None:
        return f"≤ {high:.6g} {unit}".strip()
    if high is None:
        return f"≥ {low:.6g} {unit}".strip()
    return f"{low:.6g} … {high:.6g} {unit}".strip()


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    """An outcome that comes as its key."""
    from mppcqa.testing.models import Outcome

    known = outcome in Outcome.values
    return state_badge(outcome, Outcome(outcome).label if known else "")


@register.filter
def lane(name: str) -> str:
    return lane_title(name)


@register.filter
def short(value: float | None) -> str:
    """A number with five significant digits."""
    return "—" if value is None else f"{value:.5g}"
