"""Measured elsewhere: trays of single SiPMs, as the ePIC LFHCal's quality control writes them."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import BREAKDOWN_BOUNDS
from mppcqa.stages.protocol import Chart, LimitDefault, Quantity
from mppcqa.stages.surveys import Survey
from mppcqa.stages.tray_survey.analysis import analyse
from mppcqa.stages.tray_survey.reader import read_folder

STAGE = DeclaredStage(
    key="tray_survey",
    title="Tray survey",
    description="Breakdown voltage from IV curves and from spectra, dark currents and forward "
    "resistance of trays of SiPMs, taken in from text files.",
    version="1",
    parameters=(),
    quantities=(
        Quantity(
            key="breakdown_voltage_iv_v",
            title="Breakdown voltage from IV at 25 °C",
            symbol="V_br,IV",
            unit="V",
            headline=True,
            bounds=BREAKDOWN_BOUNDS,
        ),
        Quantity(
            key="breakdown_voltage_sps_v",
            title="Breakdown voltage from spectra at 25 °C",
            symbol="V_br,SPS",
            unit="V",
            headline=True,
            bounds=BREAKDOWN_BOUNDS,
        ),
        Quantity(
            key="breakdown_offset_v",
            title="Breakdown voltage from spectra less the tray's median",
            symbol="ΔV_br",
            unit="V",
            display_unit="mV",
            display_scale=1e3,
            headline=True,
        ),
        Quantity(
            key="dark_current_above_na",
            title="Dark current 4 V above breakdown",
            symbol="I_dark(+4 V)",
            unit="nA",
            headline=True,
        ),
        Quantity(
            key="dark_current_below_na",
            title="Dark current 3 V below breakdown",
            symbol="I_dark(−3 V)",
            unit="nA",
            headline=True,
        ),
        Quantity(
            key="forward_resistance_ohm",
            title="Forward resistance",
            symbol="R_f",
            unit="Ω",
            headline=True,
            bounds=(0, None),
        ),
        Quantity(
            key="temperature_c",
            title="Temperature during IV",
            symbol="T",
            unit="°C",
            bounds=(-200, 150),
        ),
        Quantity(
            key="nominal_voltage_v",
            title="Maker's operating voltage of the tray",
            symbol="V_op",
            unit="V",
            bounds=BREAKDOWN_BOUNDS,
        ),
    ),
    charts=(
        Chart(
            key="offset",
            title="Breakdown voltage less the tray's median",
            quantities=("breakdown_offset_v",),
            kind="distribution",
        ),
        Chart(
            key="dark_current",
            title="Dark current 4 V above breakdown",
            quantities=("dark_current_above_na",),
            kind="distribution",
        ),
    ),
    limits=(
        LimitDefault(
            quantity="breakdown_offset_v",
            pass_low=-0.1,
            pass_high=0.1,
            warn_low=-0.2,
            warn_high=0.2,
            reason="A tray shares one operating voltage; a device 0.1 V off works at an "
            "overvoltage 2.5 % from the nominal 4 V, one 0.2 V off at 5 %.",
        ),
        LimitDefault(
            quantity="dark_current_above_na",
            pass_high=20.0,
            warn_high=40.0,
            reason="The bulk of the trays lies near 10 nA; twice that is unusual, four times "
            "that points at a damaged device.",
        ),
        LimitDefault(
            quantity="dark_current_below_na",
            pass_high=3.0,
            warn_high=10.0,
            reason="Below breakdown only surface leakage flows, some tenths of a nA; more points "
            "at a damaged surface or a dirty contact.",
        ),
        LimitDefault(
            quantity="forward_resistance_ohm",
            pass_low=95.0,
            pass_high=130.0,
            warn_low=85.0,
            warn_high=150.0,
            reason="The quenching resistors in parallel; outside the bulk the contact or the "
            "device is not what it should be.",
        ),
    ),
    survey=Survey(
        key="lfhcal",
        title="Trays of SiPMs as the ePIC LFHCal's quality control writes them.",
        read=read_folder,
    ),
    program_module="",
    analysis=analyse,
)

__all__ = ["STAGE", "read_folder"]
