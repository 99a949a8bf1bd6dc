"""What the rooms above are told, inside the transaction that makes it so."""

from django.dispatch import Signal

counting_changed = Signal()
"""Values of devices at a stage were replaced: `stage`, `analysis`, `former` (device id -> id of
the analysis that counted before, or None)."""

outcomes_changed = Signal()
"""Verdicts were reached: `stage`, `changes` as a list of (former outcome, former time, new
outcome, new time); an empty former outcome where there was none."""
