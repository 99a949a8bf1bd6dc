"""Quantities of Stage 2: everything that spectra, waveforms and IV curves give."""

from __future__ import annotations

from dataclasses import replace

from mppcqa.stages.common import BREAKDOWN, CROSSTALK, DARK_RATE, GAIN, GAIN_SPREAD
from mppcqa.stages.protocol import Quantity

PDE = Quantity(
    key="pde",
    title="Photon detection efficiency",
    symbol="PDE",
    correlated=True,
    unit="",
    display_unit="%",
    display_scale=100,
    conditional=True,
    headline=True,
    bounds=(0, 1),
)
MEAN_LIGHT = Quantity(
    key="mean_light_pe",
    title="Mean light",
    symbol="μ",
    unit="p.e.",
    conditional=True,
    bounds=(0, None),
)
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
BREAKDOWN_AT = replace(BREAKDOWN, conditional=True)
BREAKDOWN_IV = replace(
    BREAKDOWN_AT,
    key="breakdown_iv_v",
    title="Breakdown voltage from IV",
    symbol="V_br,IV",
    headline=False,
)
QUENCHING = Quantity(
    key="quenching_ohm",
    title="Quenching resistance of a pixel",
    symbol="R_q",
    unit="Ω",
    display_unit="kΩ",
    display_scale=1e-3,
    conditional=True,
    bounds=(0, None),
)
COEFFICIENT = Quantity(
    key="breakdown_coefficient_v_per_c",
    title="Temperature coefficient of the breakdown voltage",
    symbol="dV_br/dT",
    unit="V/°C",
    display_unit="mV/°C",
    display_scale=1e3,
    headline=True,
)
COEFFICIENT_IV = replace(
    COEFFICIENT,
    key="breakdown_iv_coefficient_v_per_c",
    title="Temperature coefficient of the breakdown voltage from IV",
    symbol="dV_br,IV/dT",
    headline=False,
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
    COEFFICIENT,
    COEFFICIENT_IV,
    QUENCHING,
    GAIN_SPREAD,
    PDE_SPREAD,
)
