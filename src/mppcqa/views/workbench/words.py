"""What may be chosen by, and a question in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from mppcqa.columnar.questions import Measure, Questions
from mppcqa.inventory.models import Tag
from mppcqa.inventory.scope import Viewer
from mppcqa.results.models import Outcome
from mppcqa.views.workbench.asked import BY, KINDS, RANGES, Asked, range_names
from mppcqa.views.workbench.names import names_of

FILTERS = ("lot", "maker", "type", "tray", "station", "operator", "location")
MOST_CHOICES = 500
Options = list[tuple[str, str]]
"""Key and name of each."""


@dataclass(frozen=True)
class Choices:
    """What a question may choose, in the reader's language."""

    filters: list[tuple[str, str, Options, list[str]]]
    """Name, title, what there is, and what was chosen."""
    tags: Options
    outcomes: Options


def choices(asked: Asked, questions: Questions, viewer: Viewer) -> Choices:
    """What devices and values can be chosen by."""
    filters = []
    for name, found in questions.choices(FILTERS).items():
        ids = found[:MOST_CHOICES]
        names = names_of(name, ids, viewer)
        options = sorted(((str(pk), names[pk]) for pk in ids), key=lambda one: one[1])
        if options:
            filters.append((name, str(BY[name]), options, asked.given.getlist(name)))
    tags = [(str(pk), name) for pk, name in Tag.objects.values_list("pk", "name")[:MOST_CHOICES]]
    return Choices(filters, tags, [(str(one.value), str(one.label)) for one in Outcome])


def in_words(asked: Asked, found: Choices) -> list[tuple[str, str]]:
    """What was asked: each choice that says something, title and words."""
    given, titles = asked.given, {key: one.title for key, one in asked.quantities.items()}
    several = {
        **{name: (label, dict(options)) for name, label, options, _c in found.filters},
        "tag": (_("tag"), dict(found.tags)),
        "outcome": (_("verdict"), dict(found.outcomes)),
    }
    said = [
        (_("Quantity"), titles.get(str(asked.first.quantity), "") if asked.first else ""),
        (_("Conditions"), _points(asked, "at", asked.first)),
        (_("Shown as"), str(KINDS[asked.kind])),
        (_("Grouped by"), str(BY[asked.by]) if asked.by else ""),
    ]
    if asked.kind == "pairs" and asked.second is not None:
        said.append((_("Second quantity"), titles.get(str(asked.second.quantity), "")))
        said.append((_("Its conditions"), _points(asked, "at2", asked.second)))
    for name, (label, names) in several.items():
        chosen = [names.get(key, key) for key in given.getlist(name)]
        said.append((capfirst(label), ", ".join(map(str, chosen))))
    plain = {
        "device": _("Device"),
        "channel": _("channel"),
        "since": _("Measured since"),
        "until": _("Measured until"),
        "low": _("Values from"),
        "high": _("Values to"),
    }
    said += [(title, given.get(name, "")) for name, title in plain.items()]
    for letter in RANGES:
        name, _at, low, high = range_names(letter)
        if bounded := str(given.get(name, "")):
            bounds = f"{given.get(low, '') or '…'} – {given.get(high, '') or '…'}"
            said.append((_("Only where"), f"{titles.get(bounded, bounded)}: {bounds}"))
    return [(title, text) for title, text in said if text]


def _points(asked: Asked, name: str, measure: Measure | None) -> str:
    words = dict(asked.points.get(name, ()))
    texts = [at.text for at in measure.at] if measure else []
    return "; ".join(str(words.get(text, text)) for text in texts if text)
