"""How imports look on pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.exchange.mapping import VALUE_FIELDS

register = template.Library()

NAMES = {
    "rows": gettext_noop("rows"),
    "new": gettext_noop("new devices"),
    "changed": gettext_noop("devices to be updated"),
    "skipped": gettext_noop("left as they are"),
    "values": gettext_noop("values"),
    "empty": gettext_noop("empty cells"),
    "devices": gettext_noop("devices"),
    "standing": gettext_noop("devices with values already"),
}
OWN = ("channel", "bias_v", "overvoltage_v", "temperature_c", "light")
KINDS = {"done": "ok", "failed": "failed", "checking": "running", "importing": "running"}


@register.simple_tag
def count_name(name: str) -> str:
    """What is counted, in words."""
    return _(NAMES[name]) if name in NAMES else name


@register.simple_tag
def import_badge(row: Any) -> Any:
    """State of an import."""
    from mppcqa.web.templatetags.web import state_badge

    kind = KINDS.get(row.state, "")
    if row.state == "checked":
        kind = "warning" if row.faults else "ok"
    return state_badge(kind, row.get_state_display())


@register.filter
def own_conditions(target: Any) -> list[tuple[str, str, str]]:
    """Channel and conditions that are a column's own: name, title, value."""
    values = [(name, VALUE_FIELDS[name], getattr(target, name)) for name in OWN]
    return [
        (name, _(title), "" if value is None else f"{value:g}") for name, title, value in values
    ]
