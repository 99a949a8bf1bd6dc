"""The stages' English texts in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from mppcqa.stages import all_stages, get_stage


def stage_titles() -> dict[str, str]:
    """Stage key -> title, in the order of the stages."""
    return {stage.key: _(stage.title) for stage in all_stages()}


def find_stage(key: str) -> Any:
    """The stage, or None where its package is no longer installed."""
    try:
        return get_stage(key)
    except (KeyError, LookupError, ValueError):
        return None


def quantities_of(key: str) -> dict[str, Any]:
    """Quantity key -> quantity of a stage."""
    stage = find_stage(key)
    return {quantity.key: quantity for quantity in stage.quantities} if stage else {}
