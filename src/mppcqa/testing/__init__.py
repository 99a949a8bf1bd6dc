"""For those who write stages and other packages: a simulated station, and what stages must hold.

`SimulatedStation` runs a stage's test program as a real station would and hands back the checked
run file; `StageProperties` is a class of tests that a test class of yours inherits.
``pytest_plugins = ["mppcqa.testing.fixtures"]`` in a ``conftest.py`` gives the station as a
fixture. None of it needs a database, a queue or a home folder.
"""

from mppcqa.testing._properties import StageProperties
from mppcqa.testing._station import Measured, ProgramFailed, SimulatedStation

__all__ = ["Measured", "ProgramFailed", "SimulatedStation", "StageProperties"]
