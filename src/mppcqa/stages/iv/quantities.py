"""Quantities of the IV stage."""

from __future__ import annotations

from dataclasses import replace

from mppcqa.stages.common import BREAKDOWN_AT, COEFFICIENT, QUENCHING
from mppcqa.stages.protocol import Quantity

QUANTITIES = (
    BREAKDOWN_AT,
    Quantity(
        key="breakdown_range_v",
        title="Largest difference of breakdown voltages",
        symbol="ΔV_br",
        unit="V",
        display_unit="mV",
        display_scale=1e3,
        scope="device",
        conditional=True,
        bounds=(0, None),
    ),
    replace(QUENCHING, headline=True),
    Quantity(
        key="dark_current_a",
        title="Dark current",
        symbol="I_d",
        unit="A",
        display_unit="nA",
        display_scale=1e9,
        conditional=True,
        headline=True,
        bounds=(0, None),
    ),
    COEFFICIENT,
)
