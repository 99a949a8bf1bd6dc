"""The documentation, built with the wheel or by ``make docs``."""
