"""Fit spectra from a file with spefit; runs in an environment of its own, without mppcqa.

Its own estimate of starting values, its modified Poisson model, its binned likelihood, Migrad.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from spefit.cost import BinnedNLL
from spefit.dataset import Dataset
from spefit.estimate import estimate_spe_parameters, find_spe_peaks
from spefit.fitter import minimize_with_iminuit
from spefit.pdf import PDFParameter, SiPMModifiedPoisson


def fit(counts: np.ndarray, edges: np.ndarray) -> dict[str, float] | None:
    """Values of one spectrum; None where it failed."""
    x = (edges[1:] + edges[:-1]) / 2
    # Its likelihood wants bins of one photoelectron's unit, as Dataset makes them.
    data = Dataset.from_prebinned(x, counts.astype(float))
    data.edges = edges
    pdf = SiPMModifiedPoisson()
    try:
        found = estimate_spe_parameters(*find_spe_peaks(x, counts.astype(float)))
        pdf = SiPMModifiedPoisson(
            **{
                one.name: PDFParameter(
                    one.name, float(found.get(one.name, one.initial)), one.limits
                )
                for one in pdf.parameters
            }
        )
    except (ValueError, RuntimeError, TypeError, IndexError):
        pass  # its defaults are for charges in photoelectrons, as these are
    try:
        values, errors = minimize_with_iminuit(BinnedNLL(pdf, [data]))
    except (ValueError, RuntimeError, ZeroDivisionError):
        return None
    good = all(np.isfinite(list(values.values()))) and all(np.isfinite(list(errors.values())))
    return values if good and abs(values["pe"] - 1) < 0.03 else None


def main() -> None:
    """Time the first set after one fit to compile; count the failures of both."""
    given = np.load(sys.argv[1])
    fit(given["counts"][0], given["edges"][0])
    start = time.perf_counter()
    done = [fit(c, e) for c, e in zip(given["counts"], given["edges"], strict=True)]
    seconds = (time.perf_counter() - start) / len(done)
    other = [fit(c, e) for c, e in zip(given["simsipm"], given["simsipm_edges"], strict=True)]
    biases = [abs(one["pe"] - 1) for one in other if one]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "failed": sum(one is None for one in done),
                "simsipm_failed": sum(one is None for one in other),
                "simsipm_gain_bias_max": max(biases, default=None),
            }
        )
    )


if __name__ == "__main__":
    main()
