"""Texts that the program stored are told in the reader's language."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from mppcqa.limits.models import LimitSet
from mppcqa.retold import retold
from mppcqa.stages.words import TOLD

STORED = {
    "no spectrum: the channel is dark": "sin espectro: el canal está apagado",
    "no breakdown voltage: 1 usable points at 1 positions: no line": (
        "sin tensión de ruptura: 1 puntos utilizables en 1 posiciones: no hay recta"
    ),
    "fewer than 100 events": "menos de 100 eventos",
    "no dark current: the curve does not reach 71.30 V": (
        "sin corriente oscura: la curva no llega a 71.30 V"
    ),
    "rates lie 12 % off any staircase: is it a scan of one channel, in the dark, with steps?": (
        "las tasas distan un 12 % de cualquier escalera: "
        "¿es un barrido de un canal, a oscuras, con escalones?"
    ),
    "what somebody else's analysis says": "what somebody else's analysis says",
    "": "",
}


@pytest.mark.parametrize("text", STORED)
def test_a_stored_text_is_told_in_spanish(text: str) -> None:
    with override("es"):
        assert retold(text, TOLD) == STORED[text]
    with override("en"):
        assert retold(text, TOLD) == text


def test_titles_that_we_give_limit_sets_are_told_in_spanish() -> None:
    ours = LimitSet(title="Dark Box: proposed limits", version=1, stage="darkbox")
    theirs = LimitSet(title="after the workshop", version=2, stage="darkbox")
    with override("es"):
        assert str(ours) == "Caja oscura: límites propuestos (versión 1)"
        assert str(theirs) == "after the workshop (versión 2)"
    with override("en"):
        assert str(ours) == "Dark Box: proposed limits (version 1)"
