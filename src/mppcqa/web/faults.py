"""What an action refused, as lines for a page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.core.exceptions import ValidationError

ACTION_FAULTS: tuple[type[Exception], ...] = (ValidationError, ValueError)


def fault_lines(error: Exception) -> tuple[list[str], dict[int, list[str]]]:
    """All lines of a refusal, and those that name a slot by that slot.

    Lines that belong to a slot are in the second alone.
    """
    by_slot: dict[int, list[str]] = defaultdict(list)
    lines: list[str] = []
    faults = getattr(error, "faults", None)
    if faults is None:
        texts = error.messages if isinstance(error, ValidationError) else [str(error)]
        return list(texts), {}
    if isinstance(faults, dict):
        faults = [(slot, text) for slot, text in faults.items()]
    for fault in faults:
        if isinstance(fault, str):
            lines.append(fault)
            continue
        slot, text = fault if isinstance(fault, tuple) else (getattr(fault, "slot", None), fault)
        if isinstance(slot, int):
            by_slot[slot].extend([text] if isinstance(text, str) else [str(text)])
        else:
            lines.append(str(text))
    return lines, dict(by_slot)


@dataclass(frozen=True)
class Located:
    """A fault of a table: its row (from 0) and column where they are known."""

    row: int | None
    column: str
    text: str


def located_faults(error: Exception) -> list[Located]:
    """All faults of a refused table."""
    faults = getattr(error, "faults", None)
    if faults is None:
        texts = error.messages if isinstance(error, ValidationError) else [str(error)]
        return [Located(None, "", text) for text in texts]
    return [
        Located(
            getattr(fault, "row", None),
            getattr(fault, "column", "") or "",
            str(getattr(fault, "text", fault)),
        )
        for fault in faults
    ]
