"""Small arrays of zeros for compiled functions.

`np.empty` is compiled anew for each way of giving a shape, of which the fits had twenty-two, and
Numba looks through its overloads at each call; these are compiled once.
"""

from __future__ import annotations

import numpy as np

from mppcqa.physics._apart import INT, once


@once(INT)
def numbers(n):  # type: ignore[no-untyped-def]
    """Real numbers (n,)."""
    return np.zeros(n)


@once(INT, INT)
def table(m, n):  # type: ignore[no-untyped-def]
    """Real numbers (m, n)."""
    return np.zeros((m, n))


@once(INT)
def flags(n):  # type: ignore[no-untyped-def]
    """Truths (n,), all False."""
    return np.zeros(n, np.bool_)


@once(INT)
def places(n):  # type: ignore[no-untyped-def]
    """Whole numbers (n,)."""
    return np.zeros(n, np.int64)
