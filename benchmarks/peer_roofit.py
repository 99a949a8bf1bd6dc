"""Charge spectra fitted by RooFit, run by `analysis_peers` in a process of its own.

The model is the one that JUNO-TAO's mass test publishes (github.com/Maaaadscientist/mass-sipm,
`script/charge_fit.py`): a generalised Poisson sum of Gaussian peaks at ped + k gain of widths
sqrt(sigma0^2 + k sigmak^2), as a RooGenericPdf fitted to the binned charges by Minuit2. Written
anew here; theirs fits a channel some 80 times with other bins, this fits it once.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import ROOT

PARAMETERS = ("ped", "gain", "sigma0", "sigmak", "mu", "lam")


def main() -> None:
    """Fit the spectra of a file of arrays; the last line says what came of it."""
    ROOT.RooMsgService.instance().setGlobalKillBelow(ROOT.RooFit.FATAL)
    with np.load(sys.argv[1]) as file:
        given = {name: file[name] for name in file.files}
    fit(given["counts"][0], given["edges"][0], given["starts"][0])  # compiles what it needs
    begin = time.perf_counter()
    toys = [fit(*one) for one in zip(given["counts"], given["edges"], given["starts"], strict=True)]
    seconds = (time.perf_counter() - begin) / len(toys)
    others = zip(given["simsipm"], given["simsipm_edges"], given["simsipm_starts"], strict=True)
    simsipm = [fit(*one) for one in others]
    print(
        json.dumps(
            {
                "seconds": seconds,
                "failed": sum(not one["valid"] for one in toys),
                "toys": toys,
                "simsipm_failed": sum(not one["valid"] for one in simsipm),
                "simsipm": simsipm,
            }
        )
    )


def fit(counts: np.ndarray, edges: np.ndarray, start: np.ndarray) -> Mapping[str, Any]:
    """Fitted parameters of a spectrum by name, and whether the minimiser was content."""
    ped, gain, sigma0, sigmak, mu, lam = (float(x) for x in start)
    charge = ROOT.RooRealVar("charge", "", float(edges[0]), float(edges[-1]))
    charge.setBins(len(counts))
    histogram = ROOT.TH1D("spectrum", "", len(counts), float(edges[0]), float(edges[-1]))
    histogram.SetDirectory(ROOT.nullptr)
    for i, count in enumerate(counts):
        histogram.SetBinContent(i + 1, float(count))
    data = ROOT.RooDataHist("data", "", ROOT.RooArgList(charge), histogram)
    ranges = {
        "ped": (ped, ped - gain / 2, ped + gain / 2),
        "gain": (gain, 0.5 * gain, 2 * gain),
        "sigma0": (sigma0, 0.2 * sigma0, 5 * sigma0),
        "sigmak": (sigmak, 0.01 * sigmak, 5 * sigmak),
        "mu": (mu, 1e-3, 3 * mu + 1),
        "lam": (lam, 0.0, 0.9),
    }
    values = [ROOT.RooRealVar(name, "", *ranges[name]) for name in PARAMETERS]
    inside = np.flatnonzero(counts).max()
    peaks = max(2, math.ceil((edges[inside] - ped) / gain))
    arguments = ROOT.RooArgList(charge)
    for value in values:
        arguments.add(value)
    model = ROOT.RooGenericPdf("model", "", formula(peaks), arguments)
    done = model.fitTo(
        data,
        ROOT.RooFit.Save(),
        ROOT.RooFit.PrintLevel(-1),
        ROOT.RooFit.Minimizer("Minuit2"),
        ROOT.RooFit.SumW2Error(False),
    )
    found = {name: value.getVal() for name, value in zip(PARAMETERS, values, strict=True)}
    valid = done.status() == 0 and done.covQual() == 3
    return {"valid": bool(valid), **found}


def formula(peaks: int) -> str:
    """Probability density of a charge up to a constant, in RooFit's language."""
    terms = []
    for k in range(peaks + 1):
        weight = f"mu*pow(mu+{k}*lam,{k - 1})*exp(-mu-{k}*lam)/{math.factorial(k)}."
        width2 = f"(sigma0*sigma0+{k}*sigmak*sigmak)"
        terms.append(f"{weight}/sqrt{width2}*exp(-0.5*pow(charge-ped-{k}*gain,2)/{width2})")
    return "+".join(terms)


if __name__ == "__main__":
    main()
