"""Reports of devices that somebody chose by the filters of the list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.inventory.device_fields import REFERENCES
from mppcqa.inventory.models import DeviceType, Institute
from mppcqa.inventory.states import DeviceState
from mppcqa.public_address import PublicAddress
from mppcqa.reports.group import sections, written
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.look import look_about
from mppcqa.reports.models import Selection
from mppcqa.results.selection import DEVICE_FILTERS, kept_filters, whole_number
from mppcqa.stages import all_stages
from mppcqa.views.groups import chosen_view
from mppcqa.views.verdict import outcome_text

LONGEST = 200


def save_selection(asked: Mapping[str, str], by: Any) -> Selection:
    """The devices that filters of an address choose; the same of a person is one row."""
    filters = kept_filters(asked, DEVICE_FILTERS)
    text = json.dumps([by.pk if by else None, sorted(filters.items())])
    words = ", ".join(said for _title, said in filter_words(filters)) or _("all devices")
    made, _new = Selection.objects.get_or_create(
        same=hashlib.sha256(text.encode()).hexdigest(),
        defaults={
            "title": Truncator(words).chars(LONGEST),
            "filters": filters,
            "made_by": by,
        },
    )
    return made


def filter_words(filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Filters in words: title and what was chosen."""
    named: dict[str, tuple[Any, Any]] = {
        "type": (_("Type"), DeviceType),
        "place": (_("Where"), Institute),
        **{one.key: (_(one.title), one.of) for one in REFERENCES},
    }
    plain = {
        "q": _("Serial begins with"),
        "tray": _("Tray"),
        "lot": _("Lot"),
        "tag": _("Tag"),
    }
    states = dict(DeviceState.choices)
    stages = {one.key: _(one.title) for one in all_stages()}
    found = []
    for key, value in filters.items():
        if key in named:
            title, model = named[key]
            row = model._default_manager.filter(pk=whole_number(value) or 0).first()
            found.append((title, str(row) if row is not None else value))
        elif key == "state":
            found.append((_("State"), str(states.get(value, value))))
        elif key == "stage":
            found.append((_("Stage"), stages.get(value, value)))
        elif key == "outcome":
            said = _("not tested (at the stage)") if value == "none" else outcome_text(value)
            found.append((_("Verdict"), said))
        else:
            found.append((plain.get(key, key), value))
    return found


def _write(row: Any, _address: PublicAddress, paper: str) -> Written:
    view = chosen_view(row.devices(), row.title, filter_words(row.filters))
    return written(view, _("Report of chosen devices"), paper, look_about(row), "selection")


KIND = ReportKind(
    "selection",
    gettext_lazy("Report of chosen devices"),
    "reports.selection",
    _write,
    sections=sections,
)
