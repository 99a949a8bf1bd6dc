"""Numbers that people read are rounded by one rule, that of the Particle Data Group."""

from __future__ import annotations

import math
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.results.conditions import condition_text
from mppcqa.views.texts import measured

TEXT = re.compile(r"\(?(\S+) ± (\S+?)\)?(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?")
POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        # The examples of the Review of Particle Physics, introduction, "Rounding".
        (0.827, 0.119, "0.83 ± 0.12"),
        (0.827, 0.367, "0.8 ± 0.4"),
        # The ends of its three ranges: 100 to 354, 355 to 949, 950 to 999.
        (0.8274, 0.100, "0.83 ± 0.10"),
        (0.8274, 0.354, "0.83 ± 0.35"),
        (0.8274, 0.355, "0.8 ± 0.4"),
        (0.8274, 0.949, "0.8 ± 0.9"),
        (0.8274, 0.950, "0.8 ± 1.0"),
        (0.8274, 0.999, "0.8 ± 1.0"),
        (51.61312, 0.0123, "51.613 ± 0.012"),
        (0.2512, 0.00996, "0.251 ± 0.010"),
        (1163.2, 22.0, "1163 ± 22"),
        # No digit stands that means nothing: nothing is filled up with zeros.
        (1234.0, 960.0, "(1.2 ± 1.0) × 10³"),
        (123456.0, 3550.0, "(1.23 ± 0.04) × 10⁵"),
        (17634521.0, 210000.0, "(1.763 ± 0.021) × 10⁷"),
        (1e-7, 3.55e-9, "(1.00 ± 0.04) × 10⁻⁷"),
        (-0.827, 0.367, "-0.8 ± 0.4"),
        (0.0, 0.012, "0.000 ± 0.012"),
        (3.0, None, "3"),
        (3.0, 0.0, "3"),
        (3.0, math.nan, "3"),
        (3.0, math.inf, "3"),
        (math.nan, 0.1, "—"),
        (None, 0.1, "—"),
    ],
)
def test_values_have_the_digits_that_they_deserve(
    value: float | None, uncertainty: float | None, text: str
) -> None:
    assert measured(value, uncertainty) == text


@pytest.mark.parametrize(
    ("statistical", "systematic", "text"),
    [
        # Together 0.0078, which deserves one digit; together 0.0427, and 0.0297.
        (0.0021, 0.0075, "0.251 ± 0.002 ± 0.008"),
        (0.041, 0.012, "0.25 ± 0.04 ± 0.01"),
        (0.021, 0.021, "0.251 ± 0.021 ± 0.021"),
        # What is known is never told to be nothing; what is nothing is.
        (0.0011, 0.15, "0.25 ± 0.001 ± 0.15"),
        (0.15, 0.00096, "0.25 ± 0.15 ± 0.001"),
        (0.0, 0.012, "0.251 ± 0.000 ± 0.012"),
        (None, 0.012, "0.251 ± ? ± 0.012"),
    ],
)
def test_two_uncertainties_together_rule(
    statistical: float | None, systematic: float, text: str
) -> None:
    assert measured(0.2514, statistical, "", systematic) == text


def test_a_small_second_uncertainty_gives_the_value_no_digits() -> None:
    assert measured(6.285, 1.429, "Hz", 0.011) == "6.3 ± 1.4 ± 0.01 Hz"
    assert measured(6.285e7, 1.429e7, "", 1.1e5) == "(6.3 ± 1.4 ± 0.01) × 10⁷"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-7.01234e-05, "-7.0123 × 10⁻⁵ A"),
        (1.763e7, "1.763 × 10⁷ A"),
        (1e13, "1 × 10¹³ A"),
        (0.00012, "0.00012 A"),
        (99999.0, "99999 A"),
        (-51.61312, "-51.613 A"),
    ],
)
def test_without_an_uncertainty_five_digits_and_a_power_of_ten(value: float, text: str) -> None:
    assert measured(value, None, "A") == text


def test_values_of_axes_have_powers_of_ten() -> None:
    told = {"fluence_neq_cm2": 2.5e13}
    assert condition_text(told) == "2.5 × 10¹³ n_eq/cm2"


@given(
    st.floats(-1e12, 1e12, allow_nan=False),
    st.floats(1e-9, 1e9, allow_nan=False, exclude_min=True),
)
def test_rounding_costs_at_most_half_of_a_last_digit(value: float, uncertainty: float) -> None:
    found = re.fullmatch(
        r"\(?(\S+) ± (\S+?)\)?(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", measured(value, uncertainty)
    )
    assert found
    scale = 10.0 ** int((found[3] or "0").translate(POWERS))
    # One digit from 3.55 on, two up to 3.54: half of the last is at most a seventh of it.
    assert abs(float(found[1]) * scale - value) <= 0.142 * uncertainty + 1e-15 * abs(value)
    assert abs(float(found[2]) * scale - uncertainty) <= 0.142 * uncertainty
    places = [Decimal(part).as_tuple().exponent for part in (found[1], found[2])]
    assert places[0] == places[1]
    assert len(found[2].replace(".", "").lstrip("0")) in (1, 2)
