"""Texts that the program stored in English, told again in the reader's language.

Analyses know no language: what they could not measure is kept as an English text, numbers put in. A
text is known again by the template that it was made from, and its parts are told in their turn.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import get_language, gettext

PLACE = re.compile(r"%(?:\((\w+)\))?s")


def retold(text: str, templates: tuple[str, ...] = ()) -> str:
    """A stored text in the language of now; as it was stored where nothing of ours made it.

    templates
        English texts with ``%(name)s``, or one ``%s``, where something was put in.

    >>> retold("no PDE: the lamp was off", ("no PDE: %(why)s",))
    'no PDE: the lamp was off'
    """
    return _retold(get_language(), text, templates)


@lru_cache(10_000)
def _retold(language: str | None, text: str, templates: tuple[str, ...]) -> str:
    found = gettext(text) if text.strip() else text
    if found != text:
        return found
    for template, pattern in _patterns(templates):
        if there := pattern.fullmatch(text):
            named = {k: _retold(language, v, templates) for k, v in there.groupdict().items()}
            parts = [_retold(language, one, templates) for one in there.groups()]
            return gettext(template) % (named or tuple(parts))
    return text


def template_of(text: str, templates: tuple[str, ...]) -> str | None:
    """The template that a text was made from; a text without places is its own."""
    if text in templates:
        return text
    made = (template for template, pattern in _patterns(templates) if pattern.fullmatch(text))
    return next(made, None)


@lru_cache
def _patterns(templates: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    """Each template with places as a pattern; the one that says most itself comes first."""
    there = sorted((one for one in templates if PLACE.search(one)), key=_own_words, reverse=True)
    return [(one, re.compile(_pattern(one), re.DOTALL)) for one in there]


def _own_words(template: str) -> int:
    return len(PLACE.sub("", template))


def _pattern(template: str) -> str:
    pieces, end = [], 0
    for place in PLACE.finditer(template):
        pieces.append(re.escape(template[end : place.start()].replace("%%", "%")))
        pieces.append(f"(?P<{place[1]}>.+?)" if place[1] else "(.+?)")
        end = place.end()
    return "".join(pieces) + re.escape(template[end:].replace("%%", "%"))
