"""The one way in which an action says no to a person: nothing was done, and this is why.

An action raises a `Refused` of its own name. Pages, commands and tasks catch `Refused` and nothing
wider: an error of ours is no refusal, whatever class Python gives it.
"""

from __future__ import annotations

from collections.abc import Iterable


class Fault(str):
    """One thing that is wrong, in words, with what to do; it knows what it is about."""

    __slots__ = ("field", "row")

    field: str
    """The field of a form, or the column of a table; empty where it is about no single one."""
    row: int | None
    """The row of a table (from 0), the slot or the device (id); None where it is about no one."""

    def __new__(cls, what: object, *, field: str = "", row: int | None = None) -> Fault:
        made = super().__new__(cls, what)
        made.field, made.row = field, row
        return made


class Refused(Exception):
    """Nothing was done; `faults` has everything that is wrong."""

    between = "; "
    """What stands between the faults where all are said in one text."""

    def __init__(self, faults: str | Iterable[str]) -> None:
        several = [faults] if isinstance(faults, str) else faults
        self.faults = [one if isinstance(one, Fault) else Fault(one) for one in several]
        super().__init__(self.between.join(self.faults))
