"""What the rooms above are told, inside the transaction that makes it so."""

from django.dispatch import Signal

counting_changed = Signal()
"""Values of devices were replaced: `change`, a `mppcqa.testing.counting.CountingChange`."""

outcomes_changed = Signal()
"""Verdicts were reached: `stage`, `changes` as a list of (device id, former `Verdict` or None, new
`Verdict`)."""
