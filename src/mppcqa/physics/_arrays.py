"""Arrays as the formulas take them; apart, so that nothing compiled is loaded for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
