"""Quantities of Stage 2: everything that spectra, waveforms and IV curves give."""

from __future__ import annotations

from dataclasses import replace

from mppcqa.stages.common import (
    BREAKDOWN_AT,
    COEFFICIENT,
    CROSSTALK,
    DARK_RATE,
    GAIN,
    GAIN_SPREAD,
    MEAN_LIGHT,
    PDE,
    QUENCHING,
)
from mppcqa.stages.protocol import Quantity

NOISE_FACTOR = Quantity(
    key="excess_noise_factor",
    title="Excess noise factor",
    symbol="F",
    unit="",
    conditional=True,
    bounds=(0, None),
)
WAVEFORM_RATE = replace(
    DARK_RATE,
    key="dark_rate_waveforms_hz",
    title="Dark count rate from waveforms",
    symbol="DCR_w",
    headline=False,
)
WAVEFORM_CROSSTALK = replace(
    CROSSTALK,
    key="crosstalk_waveforms",
    title="Crosstalk probability from waveforms",
    symbol="p_ct,w",
    headline=False,
)
AFTERPULSES = Quantity(
    key="afterpulse_probability",
    title="Afterpulse probability",
    symbol="p_ap",
    unit="",
    display_unit="%",
    display_scale=100,
    conditional=True,
    bounds=(0, 1),
)
BREAKDOWN_IV = replace(
    BREAKDOWN_AT,
    key="breakdown_iv_v",
    title="Breakdown voltage from IV",
    symbol="V_br,IV",
    headline=False,
)
COEFFICIENT_IV = replace(
    COEFFICIENT,
    key="breakdown_iv_coefficient_v_per_c",
    title="Temperature coefficient of the breakdown voltage from IV",
    symbol="dV_br,IV/dT",
)
PDE_SPREAD = replace(
    GAIN_SPREAD, key="pde_spread", title="PDE spread over the channels", symbol="σ_PDE/PDE"
)
QUANTITIES = (
    PDE,
    GAIN,
    DARK_RATE,
    CROSSTALK,
    MEAN_LIGHT,
    NOISE_FACTOR,
    AFTERPULSES,
    WAVEFORM_RATE,
    WAVEFORM_CROSSTALK,
    BREAKDOWN_AT,
    BREAKDOWN_IV,
    replace(COEFFICIENT, headline=True),
    COEFFICIENT_IV,
    QUENCHING,
    GAIN_SPREAD,
    PDE_SPREAD,
)
