"""A test program that ends, or writes, as its first argument says."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import RunWriter


def write(kind: str, config: dict[str, Any], output: Path) -> None:
    slots = [
        {key: row[key] for key in ("slot", "serial", "rows", "columns", "channels")}
        for row in config["slots"]
    ]
    meta = {
        **{key: config[key] for key in ("run", "stage", "station", "operator")},
        "program": "odd 1",
        "started": "2026-01-01T00:00:00Z",
        "gate_s": 1e-7,
        "decay_s": 1e-8,
        "slots": slots,
    }
    if kind == "long texts":
        meta |= {"program": "p" * 1_000_000, "operator": "o" * 1_000_000}
    if kind == "odd texts":
        meta |= {"program": "odd \x00\ud800 1", "operator": "\x1b[31m\udcff", "charge_unit": "\x00"}
    if kind == "long serial":
        slots[0]["serial"] = "S" * 1_000_000
    if kind == "huge numbers":
        meta |= {"gate_s": 1e300, "decay_s": 1e-300, "pixels": 2**31 - 1}
    if kind == "deep meta":
        deep: list[Any] = []
        for _ in range(300):
            deep = [deep]
        meta["parameters"] = {"deep": deep}
    bias = 1e300 if kind == "huge bias" else 71.0
    scale = {"huge charges": 1e37, "tiny charges": 1e-40, "no charges": 0.0}.get(kind, 30.0)
    rng = np.random.default_rng(1)
    with RunWriter(output, meta) as writer:
        for point in range(3):
            writer.point(point, bias_v=bias + point, temperature_c=20.0, light=0.0)
            for slot in slots:
                shape = (400, slot["channels"])
                charges = scale * (rng.poisson(0.4, shape) + rng.normal(0, 0.08, shape))
                writer.charges(point, slot["slot"], charges)


def main() -> None:
    kind = sys.argv[1]
    config = json.loads(Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
    output = Path(sys.argv[sys.argv.index("--output") + 1])
    if kind == "status 255":
        sys.exit(255)
    elif kind == "killed by itself":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "a folder":
        output.mkdir()
    elif kind == "a pipe":
        os.mkfifo(output)
    elif kind == "endless":
        output.symlink_to("/dev/zero")
    elif kind == "another's file":
        output.symlink_to("/etc/passwd")
    else:
        write(kind, config, output)


if __name__ == "__main__":
    main()
