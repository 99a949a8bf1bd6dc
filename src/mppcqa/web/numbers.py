"""Numbers of the pages are written as everywhere else."""

from mppcqa.stages.numbers import with_uncertainty

__all__ = ["with_uncertainty"]
