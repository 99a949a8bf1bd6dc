"""Quantities, parameters, charts and limits that more than one stage has."""

from __future__ import annotations

from dataclasses import replace

from mppcqa.physics import IV_METHODS
from mppcqa.stages.conditions import Condition
from mppcqa.stages.contact import CONTACT_FAULTS
from mppcqa.stages.protocol import Chart, LimitDefault, Parameter, Quantity

BREAKDOWN_BOUNDS = (5.0, 250.0)
"""Silicon photomultipliers break down between 20 and 80 V; a number in mV lies far outside."""
USUAL = Condition(overvoltage_v=1.6)
"""Where arrays of the GlueX generation are compared and judged."""

PDE = Quantity(
    key="pde",
    title="Photon detection efficiency",
    symbol="PDE",
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
GAIN = Quantity(
    key="gain_adc",
    title="Gain",
    symbol="G",
    unit="ADC/p.e.",
    conditional=True,
    headline=True,
    crossing="bias_v",
    bounds=(0, None),
)
CROSSTALK = Quantity(
    key="crosstalk_probability",
    title="Crosstalk probability",
    symbol="p_ct",
    unit="",
    display_unit="%",
    display_scale=100,
    conditional=True,
    headline=True,
    bounds=(0, 1),
)
BREAKDOWN = Quantity(
    key="breakdown_voltage_v",
    title="Breakdown voltage",
    symbol="V_br",
    unit="V",
    headline=True,
    bounds=BREAKDOWN_BOUNDS,
)
BREAKDOWN_AT = replace(BREAKDOWN, conditional=True)
"""Where a stage measures it at several temperatures."""
COEFFICIENT = Quantity(
    key="breakdown_coefficient_v_per_c",
    title="Temperature coefficient of the breakdown voltage",
    symbol="dV_br/dT",
    unit="V/°C",
    display_unit="mV/°C",
    display_scale=1e3,
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
DARK_RATE = Quantity(
    key="dark_rate_hz",
    title="Dark count rate of a channel",
    symbol="DCR",
    unit="Hz",
    display_unit="kHz",
    display_scale=1e-3,
    conditional=True,
    headline=True,
    bounds=(0, None),
)
GAIN_SPREAD = Quantity(
    key="gain_spread",
    least_channels=2,
    title="Gain spread over the channels",
    symbol="σ_G/G",
    unit="",
    display_unit="%",
    display_scale=100,
    scope="device",
    conditional=True,
    bounds=(0, None),
)
FIT_MISFIT = Quantity(
    key="fit_chi2_ndf",
    title="Chi-squared a degree of freedom of the fit",
    symbol="χ²/ndf",
    unit="",
    conditional=True,
    bounds=(0, None),
)

BIAS = Parameter(
    key="bias_v",
    title="Bias voltages",
    kind="numbers",
    default=[71.0, 71.3, 71.6, 71.9, 72.2],
    unit="V",
    minimum=0,
    maximum=100,
    help="Every device of the run is measured at each of these.",
)
TEMPERATURES = Parameter(
    key="temperatures_c",
    title="Temperatures",
    kind="numbers",
    default=[20.0],
    unit="°C",
    minimum=-60,
    maximum=60,
    help="Two or more give temperature coefficients.",
)
TEMPERATURE = Parameter(
    key="temperature_c",
    title="Temperature",
    kind="number",
    default=20.0,
    unit="°C",
    minimum=-60,
    maximum=60,
)
EVENTS = Parameter(
    key="events",
    title="Triggers at each point",
    kind="integer",
    default=8000,
    minimum=200,
    maximum=1_000_000,
)
IV_METHOD = Parameter(
    key="iv_method",
    title="Method of the breakdown voltage from IV",
    kind="choice",
    default=IV_METHODS[0],
    choices=IV_METHODS,
    help="Values had by different methods differ by tenths of a volt.",
)
BIAS_FROM = Parameter(
    key="bias_from_v",
    title="Bias voltages from",
    kind="number",
    default=None,
    unit="V",
    minimum=0,
    maximum=100,
    help="Points below are left out; empty leaves out none.",
)
BIAS_TO = replace(
    BIAS_FROM,
    key="bias_to_v",
    title="Bias voltages to",
    help="Points above are left out; empty leaves out none.",
)
SLOWNESS = Parameter(
    key="seconds_a_point",
    title="Simulated time at each point",
    kind="number",
    default=0.0,
    unit="s",
    minimum=0,
    maximum=600,
    help="The simulated program waits this long at each point, as a real one would.",
)
FAULT = Parameter(
    key="simulate_fault",
    title="Simulated fault",
    kind="choice",
    default="none",
    choices=("none", "exit", "hang", "half_file", "no_file", *CONTACT_FAULTS),
    help="For training and tests: what goes wrong in the simulated program.",
)
EVENT_PARAMETERS = (EVENTS, TEMPERATURE, BIAS, SLOWNESS, FAULT)

PDE_CHART = Chart(
    key="pde", title="PDE against bias", quantities=("pde",), kind="against", x="bias_v"
)
GAIN_CHART = Chart(
    key="gain", title="Gain against bias", quantities=("gain_adc",), kind="against", x="bias_v"
)
DARK_RATE_CHART = Chart(
    key="dark_rate",
    title="Dark count rate against bias",
    quantities=("dark_rate_hz",),
    kind="against",
    x="bias_v",
)
BREAKDOWN_CHART = Chart(
    key="breakdown",
    title="Breakdown voltage of the channels",
    quantities=("breakdown_voltage_v",),
    kind="map",
)

PDE_LIMIT = LimitDefault(
    quantity="pde",
    pass_low=0.20,
    warn_low=0.18,
    at=USUAL,
    reason="An array of the GlueX calorimeter has 0.21 (GlueX-doc-1754).",
)
CROSSTALK_LIMIT = LimitDefault(
    quantity="crosstalk_probability",
    pass_high=0.12,
    warn_high=0.16,
    at=USUAL,
    reason="More crosstalk than this widens the calorimeter's resolution.",
)
GAIN_SPREAD_LIMIT = LimitDefault(
    quantity="gain_spread",
    pass_high=0.05,
    warn_high=0.08,
    at=USUAL,
    reason="Cell-to-cell gain spread is 4 % in the GlueX database (GlueX-doc-1754).",
)
