"""The stages of a campaign as a person types them: a line each, with what holds for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from mppcqa.inventory.way import MOST, Condition
from mppcqa.web.stages import stage_titles

NUMBER = re.compile(r"[0-9]{1,6}")


def stages_help() -> str:
    """What is typed, with what there is."""
    text = _(
        "A line each, in the order in which devices pass them; behind it, after semicolons, what "
        "holds for it: “every 10” or “3 of 10” tests a sample, “repeat” tests once more what "
        "fails, “hold” puts on hold what fails, “trained” lets trained people alone do it. There "
        "are: %s"
    )
    return text % ", ".join(stage_titles().values())


def condition_words(condition: Condition) -> list[str]:
    """What holds for a stage, as it is typed."""
    words = []
    if condition.is_sample and condition.take == 1:
        words.append(_("every %d") % condition.of)
    elif condition.is_sample:
        words.append(_("%(take)d of %(of)d") % {"take": condition.take, "of": condition.of})
    if condition.repeat:
        words.append(_("repeat"))
    if condition.hold:
        words.append(_("hold"))
    if condition.trained:
        words.append(_("trained"))
    return words


def read_condition(words: list[str]) -> Condition:
    """What was typed behind a stage, in English or the reader's language; `ValidationError`."""
    take, of, repeat, hold, trained = 1, 1, False, False, False
    for word in filter(None, (one.strip().casefold() for one in words)):
        numbers = [int(one) for one in NUMBER.findall(word)]
        bare = re.sub(r"[0-9]+", "#", word)
        if bare in ("every #", _("every %d").replace("%d", "#").casefold()):
            take, of = 1, numbers[0]
        elif bare in ("# of #", (_("%(take)d of %(of)d") % {"take": 1, "of": 1}).replace("1", "#")):
            take, of = (*numbers, 0)[:2]
        elif word in ("repeat", _("repeat").casefold()):
            repeat = True
        elif word in ("hold", _("hold").casefold()):
            hold = True
        elif word in ("trained", _("trained").casefold()):
            trained = True
        else:
            text = _(
                "“%s” says nothing of a stage: “every 10”, “3 of 10”, “repeat”, “hold” or "
                "“trained” does"
            )
            raise ValidationError(text % word[:40], code="condition")
    if not 1 <= take <= of <= MOST:
        text = _("A sample takes some of at most %d devices, as in “every 10” or “3 of 10”.")
        raise ValidationError(text % MOST, code="sample")
    return Condition(take, of, repeat, hold, trained)


class StagesField(forms.CharField):
    """Stages in an order, a line each, by their titles; kept as a list of their keys."""

    widget = forms.Textarea

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **named: Any) -> None:
        del encoder, decoder  # a model's JSON field brings them
        super().__init__(**named)
        self.conditions: Mapping[str, Any] = {}
        """What is kept of each stage, to be shown."""
        self.typed: dict[str, Any] = {}
        """What was typed of each stage, to be kept."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        titles = stage_titles()
        lines = []
        for key in value:
            condition = Condition.of_stage(self.conditions, key)
            lines.append("; ".join([str(titles.get(key, key)), *condition_words(condition)]))
        return "\n".join(lines)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        titles = stage_titles()
        known = {title.casefold(): key for key, title in titles.items()}
        known |= {key.casefold(): key for key in titles}
        stages: dict[str, Condition] = {}
        for line in (super().to_python(value) or "").splitlines():
            name, *words = line.split(";")
            name = name.strip()
            if not name:
                continue
            key = known.get(name.casefold())
            if key is None:
                text = _("There is no stage called “%(odd)s”; there are: %(there)s")
                values = {"odd": name[:80], "there": ", ".join(titles.values())}
                raise ValidationError(text % values, code="unknown")
            stages.setdefault(key, read_condition(words))
        kept = {key: condition.as_kept() for key, condition in stages.items()}
        self.typed = {key: one for key, one in kept.items() if one}
        return list(stages)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)
