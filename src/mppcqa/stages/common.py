"""Quantities and parameters that more than one stage has."""

from __future__ import annotations

from mppcqa.stages.protocol import Parameter, Quantity

GAIN = Quantity(
    key="gain_adc",
    title="Gain",
    symbol="G",
    unit="ADC/p.e.",
    conditional=True,
    headline=True,
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
    title="Gain spread over the channels",
    symbol="σ_G/G",
    unit="",
    display_unit="%",
    display_scale=100,
    scope="device",
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
    choices=("none", "exit", "hang", "half_file", "no_file"),
    help="For training and tests: what goes wrong in the simulated program.",
)
EVENT_PARAMETERS = (EVENTS, TEMPERATURE, BIAS, SLOWNESS, FAULT)
