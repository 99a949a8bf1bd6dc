"""Files of other programs, read by a mapping that says what their columns mean.

`SHIPPED` are mappings for formats that laboratories are known to write; `mapping_from_json` makes
one from what a person chose; `read_foreign` reads a file by it, and `look_at` only its beginning.
"""

from mppcqa.runfile.foreign.mapping import (
    CONDITIONS,
    FORMATS,
    OPTIONAL,
    ROLES,
    UNITS,
    Column,
    ForeignError,
    Given,
    Mapping,
    mapping_from_json,
)
from mppcqa.runfile.foreign.measured import Curve, Measured
from mppcqa.runfile.foreign.reading import guess_mapping, look_at, read_foreign
from mppcqa.runfile.foreign.shipped import SHIPPED

__all__ = [
    "CONDITIONS",
    "FORMATS",
    "OPTIONAL",
    "ROLES",
    "SHIPPED",
    "UNITS",
    "Column",
    "Curve",
    "ForeignError",
    "Given",
    "Mapping",
    "Measured",
    "guess_mapping",
    "look_at",
    "mapping_from_json",
    "read_foreign",
]
