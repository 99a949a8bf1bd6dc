"""IV curves with a source-measure unit that speaks SCPI, by PyVISA: a station's test program.

    python iv_visa.py --resource USB0::0x05E6::0x2450::04096331::INSTR --config … --output …

One device with one channel at a time, in slot 1: voltage is applied in the bias' direction, the
current is read, and the output is switched off whatever happens. It speaks what Keithley 2400 and
2450, and most others, have in common.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvisa

from mppcqa.runfile import RunWriter
from mppcqa.stages.iv.program import sweep_v

MOST_V = 80.0
"""Nothing above is ever asked for, whatever the parameters say."""


def stopped(_number: int, _frame: Any) -> None:
    """TERM ends the program by its way out, which switches the output off."""
    raise SystemExit("stopped: the output is off")


@contextmanager
def source(visa: str, resource: str, compliance_a: float) -> Iterator[Any]:
    """The instrument with its output on, at 0 V; off afterwards."""
    smu = pyvisa.ResourceManager(visa).open_resource(resource)
    smu.read_termination = smu.write_termination = "\n"
    smu.timeout = 5000
    name = smu.query("*IDN?").strip()
    if not name:
        raise SystemExit(f"nothing answers at {resource}")
    print(f"instrument: {name}", flush=True)
    try:
        for line in (
            "*RST",
            ":SOUR:FUNC VOLT",
            f":SENS:CURR:PROT {compliance_a:.6g}",
            ":SOUR:VOLT 0",
            ":OUTP 1",
        ):
            smu.write(line)
        yield smu
    finally:
        smu.write(":SOUR:VOLT 0")
        smu.write(":OUTP 0")
        smu.close()


def sweep(smu: Any, volts: Any) -> Any:
    """The current [A] at each voltage [V]."""
    found = []
    for number, volt in enumerate(volts, 1):
        smu.write(f":SOUR:VOLT {volt:.6g}")
        found.append(float(smu.query(":MEAS:CURR?")))
        if number % 10 == 0 or number == len(volts):
            print(f"@progress {number}/{len(volts)} {volt:.2f} V", flush=True)
    return np.array(found)


def main() -> None:
    """Read ``--config``, measure, write ``--output``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--resource", required=True, help="as `pyvisa-shell` lists it")
    parser.add_argument("--visa", default="", help="@py, @sim …; the computer's own by default")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stopped)
    config = json.loads(options.config.read_text())
    asked = config["parameters"]
    [slot] = config["slots"]
    volts = sweep_v(asked, 0.0)
    if volts.max() > MOST_V:
        raise SystemExit(f"{volts.max()} V is more than the {MOST_V} V that this bench allows")
    names = ("run", "run_uuid", "stage", "station", "operator", "slots")
    meta = {key: config[key] for key in names if key in config}
    meta |= {"program": "iv_visa 1", "parameters": asked}
    meta["started"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with (
        RunWriter(options.output, meta) as writer,
        source(options.visa, options.resource, asked["compliance_a"]) as smu,
    ):
        writer.point(0, bias_v=float(volts.max()), temperature_c=20.0, light=0.0)
        current = sweep(smu, volts)
        writer.iv(slot["slot"], 0, volts, current, temperature_c=20.0, light=0.0)


if __name__ == "__main__":
    main()
