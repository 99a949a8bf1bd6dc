"""What the rooms above are told, inside the transaction that makes it so."""

from django.dispatch import Signal

counting_changed = Signal()
"""Values of devices were replaced: `change`, a `mppcqa.results.counting.CountingChange`."""
