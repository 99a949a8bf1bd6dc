"""The run file (ROOT): one layout for every stage, written, read and checked.

`RunWriter` writes, `RunFile` reads, `check` names every fault. The layout is described in
``docs/run-file.md``, well enough to write it with plain ROOT.
"""

from mppcqa.runfile._documents import meta_schema
from mppcqa.runfile._records import IVCurve, RateScan, Waveforms
from mppcqa.runfile.check import Fault, check
from mppcqa.runfile.layout import VERSION, WHOLE_DEVICE, RunFileError, axes_of
from mppcqa.runfile.quicklook import Curve, Histogram, charge_histograms, write_quicklook
from mppcqa.runfile.read import RunFile
from mppcqa.runfile.recover import recover
from mppcqa.runfile.write import RunWriter

__all__ = [
    "VERSION",
    "WHOLE_DEVICE",
    "Curve",
    "Fault",
    "Histogram",
    "IVCurve",
    "RateScan",
    "RunFile",
    "RunFileError",
    "RunWriter",
    "Waveforms",
    "axes_of",
    "charge_histograms",
    "check",
    "meta_schema",
    "recover",
    "write_quicklook",
]
