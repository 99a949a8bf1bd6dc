"""Quantities of the IV stage."""

from __future__ import annotations

from dataclasses import replace

from mppcqa.stages.common import BREAKDOWN
from mppcqa.stages.protocol import Quantity

QUANTITIES = (
    replace(BREAKDOWN, conditional=True),
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
    Quantity(
        key="quenching_ohm",
        title="Quenching resistance of a pixel",
        symbol="R_q",
        unit="Ω",
        display_unit="kΩ",
        display_scale=1e-3,
        conditional=True,
        headline=True,
        bounds=(0, None),
    ),
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
    Quantity(
        key="breakdown_coefficient_v_per_c",
        title="Temperature coefficient of the breakdown voltage",
        symbol="dV_br/dT",
        unit="V/°C",
        display_unit="mV/°C",
        display_scale=1e3,
    ),
)
