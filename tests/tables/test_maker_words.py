"""Headings of makers' delivery lists."""

from __future__ import annotations

import pytest

from mppcqa.tables.maker_words import makers_value


@pytest.mark.parametrize(
    ("heading", "value", "said"),
    [
        ("Vop [V]", 55.3, ("operating voltage", 55.3, None)),  # Hamamatsu
        ("Vbr [V]", 51.2, ("breakdown voltage", 51.2, None)),
        ("Id [uA]", 0.2, ("dark current", 2e-7, None)),
        ("Dark count [kcps]", 90, ("dark rate", 9e4, None)),
        ("V_BD (V)", 32.6, ("breakdown voltage", 32.6, None)),  # Broadcom, Ketek
        ("Breakdown Voltage (V)", 32.6, ("breakdown voltage", 32.6, None)),  # FBK
        ("VBR", 24.5, ("breakdown voltage", 24.5, None)),  # onsemi
        ("Recommended bias voltage [V]", 30, ("operating voltage", 30, None)),
        ("VB [V]", 27.1, ("breakdown voltage", 27.1, None)),  # NDL
        ("Vop ch3 [V]", 55.1, ("operating voltage", 55.1, 3)),
        ("Idark cell 16 (nA)", 12, ("dark current", 1.2e-8, 16)),
        ("V_op cell 2 [V]", 71.3, ("operating voltage", 71.3, 2)),  # the partner's tables
        ("dark rate [MHz]", 16.1, ("dark rate", 1.61e7, None)),
    ],
)
def test_words_of_makers(heading: str, value: float, said: tuple[str, float, int | None]) -> None:
    found = makers_value(heading, value)
    assert found is not None
    assert (found.quantity, found.channel) == (said[0], said[2])
    assert found.value == pytest.approx(said[1])


@pytest.mark.parametrize(
    ("heading", "value"),
    [("Vop [A]", 55.3), ("Id", 0.2), ("Wafer", 12), ("Vop [V]", "n/a"), ("Vop spread [mV]", 3.0)],
)
def test_what_is_not_said_is_not_guessed(heading: str, value: object) -> None:
    assert makers_value(heading, value) is None
