"""The refusal of a bundle."""

from mppcqa.refused import Refused


class BundleRefused(Refused):
    """The bundle was not taken, nothing was changed; the message says why and what to do."""
