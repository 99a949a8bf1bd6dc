"""What a verdict remarks on a quantity, kept as codes and told in the reader's language.

A code is a list: its name, then its arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from mppcqa.results.conditions import condition_text
from mppcqa.stages import Condition

Code = list[Any]

NOTHING: Code = ["nothing"]
"""No value was measured."""
NEAR: Code = ["near"]
"""The limit lies within the value's uncertainty."""
UNTOLD: Code = ["untold"]
"""The value is itself a limit, which may lie on either side."""


def lacking(channels: int) -> Code:
    """So many channels have no value."""
    return ["lacking", channels]


def too_far(wanted: Condition, nearest: Condition) -> Code:
    """There is no value near where the limit holds; which the nearest place was."""
    return ["far", dict(wanted), {key: nearest[key] for key in wanted}]


def kept(codes: Sequence[Code]) -> dict[str, Any]:
    """What a verdict stores of its remarks: the codes, and an English text for other programs."""
    if not codes:
        return {"text": ""}
    with override("en"):
        return {"text": "; ".join(_said(code) for code in codes), "said": list(codes)}


def remarks(detail: Mapping[str, Any]) -> str:
    """The remarks of a verdict's line in the reader's language, as `kept` stored them.

    Of a line without codes, or with ones that only another version knows (a verdict may come
    from elsewhere), its text as it was stored.
    """
    try:
        return "; ".join(_said(code) for code in detail["said"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return str(detail.get("text", ""))


def _said(code: Code) -> str:
    match code:
        case ["nothing"]:
            return _("no value was measured")
        case ["near"]:
            return _("the limit lies within the value's uncertainty")
        case ["untold"]:
            return _("only a limit of the value is known, which may lie on either side")
        case ["lacking", int(n)]:
            said = ngettext("one channel has no value", "%(n)d channels have no value", n)
            return said % {"n": n}
        case ["far", wanted, nearest]:
            words = {"wanted": condition_text(wanted), "nearest": condition_text(nearest)}
            return _("no value near %(wanted)s (nearest: %(nearest)s)") % words
    raise LookupError(code)
