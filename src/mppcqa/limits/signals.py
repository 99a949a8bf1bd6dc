"""What the rooms above are told, inside the transaction that makes it so."""

from django.dispatch import Signal

outcomes_changed = Signal()
"""Verdicts were reached: `stage`, `changes` as a list of (device id, former `Verdict` or None, new
`Verdict`)."""

to_be_judged = Signal()
"""A `run` was measured and is to be judged: whoever knows a reason to wait raises an alarm of its
station."""

lot_decided = Signal()
"""A lot was accepted or rejected by its sample: `acceptance`."""
