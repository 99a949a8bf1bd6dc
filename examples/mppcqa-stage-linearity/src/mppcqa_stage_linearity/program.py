"""The simulated test program: pixels that answer once a pulse, whatever falls on them."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import zlib
from pathlib import Path

import numpy as np

from mppcqa.runfile import RunWriter

PIXELS = 3600
GAIN = 40.0
"""Charge of a photoelectron, in ADC units."""
PEDESTAL = 100.0
NOISE = 4.0
DETECTED = {405.0: 0.31, 470.0: 0.35}
"""Photon detection efficiency by wavelength [nm]; others have `ELSEWHERE`."""
ELSEWHERE = 0.2


def true_pixels(serial: str, channel: int) -> int:
    """Pixels that answer in a channel: always the same for a serial."""
    seed = zlib.crc32(f"{serial}/{channel}".encode())
    return int(PIXELS * (1 - 0.1 * np.random.default_rng(seed).random()))


def main() -> None:
    """Read ``--config``, write ``--output``."""
    parser = argparse.ArgumentParser(description="simulated linearity station")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    config = json.loads(options.config.read_text())
    asked = config["parameters"]
    points = [(w, light) for w in asked["wavelengths_nm"] for light in asked["light"]]
    rng = np.random.default_rng([config["run"], 17])
    meta = {
        **{key: config[key] for key in ("run", "stage", "station", "operator", "slots")},
        "axes": [
            {"key": "bias_v", "title": "Bias", "unit": "V"},
            {"key": "temperature_c", "title": "Temperature", "unit": "°C"},
            {"key": "light", "title": "Light"},
            {"key": "wavelength_nm", "title": "Wavelength", "unit": "nm"},
        ],
        "parameters": {**asked, "gain_adc": GAIN},
        "program": "mppcqa simulated linearity 1",
        "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    with RunWriter(options.output, meta) as writer:
        for number, (wavelength, light) in enumerate(points):
            writer.point(
                number,
                bias_v=asked["bias_v"],
                temperature_c=20.0,
                light=light,
                wavelength_nm=wavelength,
            )
            hit = light * DETECTED.get(wavelength, ELSEWHERE)
            for slot in config["slots"]:
                pixels = np.array(
                    [true_pixels(slot["serial"], channel) for channel in range(slot["channels"])]
                )
                size = (asked["events"], slot["channels"])
                fired = rng.binomial(pixels, 1 - np.exp(-hit / pixels), size)
                charges = PEDESTAL + GAIN * fired + rng.normal(0, NOISE, size)
                writer.charges(number, slot["slot"], charges)
            print(f"@progress {number + 1}/{len(points)}", flush=True)


if __name__ == "__main__":
    main()
