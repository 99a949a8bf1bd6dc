"""mppcqa: quality assurance of MPPCs (silicon photomultipliers), from registration to report."""

__version__ = "0.1.0"
