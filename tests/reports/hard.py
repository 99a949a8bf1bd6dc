"""Devices whose reports are the hardest to lay out, as views: no database is asked."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Callable

from mppcqa import charts
from mppcqa.inventory.states import DeviceState
from mppcqa.views.device import DeviceView, Fact, Piece
from mppcqa.views.device_charts import DrawnChart
from mppcqa.views.stage import Cell, Grid, Head, Point, Source, StageView, WholeValue
from mppcqa.views.texts import band, measured
from mppcqa.views.verdict import JudgedLine, SignOffView, VerdictView, WaiverView

THEN = dt.datetime(2026, 11, 28, 9, 30, tzinfo=dt.UTC)
LONG = "A1B2-" * 60
UNBROKEN = "W" * 300
FOREIGN = "浜松ホトニクス Ελλάδα Ёлка — naïve ½ µm² 10⁻⁷ ≤ ≥ → ✓ \u202e\u0007 e\u0301"
WORDS = "a reason of very many words that nobody will read to its end " * 5

SIGNERS = (
    "Rosa Martínez de la Fuente y Hernández-Núñez, 2026-11-28 09:31 (password and code); "
    "Dr. Aleksandra Wiśniewska-Żółkiewska, 2026-11-28 16:02 (single sign-on)"
)
"""Of two persons, as `mppcqa.signing.models.signers` says them."""
MEANING = "I have looked at all verdicts of this device and stand for them."


def _view(serial: str, channels: int, stages: tuple[StageView, ...], fact: str) -> DeviceView:
    facts = [("Type", "S12045(X)"), ("State", "in stock"), ("Lot", fact), ("Maker", "Hamamatsu")]
    sign = SignOffView("rosa", THEN, WORDS, True, MEANING, SIGNERS)
    return DeviceView(
        pk=1,
        serial=serial,
        kind="S12045(X)",
        channels=channels,
        state=next(iter(DeviceState)),
        campaign=1,
        registered_at=THEN,
        registrar="rosa",
        facts=tuple(Fact(title, (Piece(text),)) for title, text in facts),
        stages=stages,
        sign_offs=(sign, sign) if stages else (),
        comments=(),
        attachments=(),
        moves=(),
        handlings=(),
        renamings=(),
        assembly=None,
        records=(),
        awaited=(),
    )


def _numbers(channels: int, scale: float, *, missing: bool) -> list[float]:
    chance = random.Random(channels)  # noqa: S311
    found = [scale * (1 + 0.02 * chance.gauss(0, 1)) for _n in range(channels)]
    if missing:
        found[1] = math.nan
    return found


def _charts(channels: int, name: str, *, missing: bool) -> tuple[DrawnChart, ...]:
    rows = 1 if channels < 4 else 4 if channels < 64 else 8
    columns = channels // rows
    places = [(row, column) for row in range(rows) for column in range(columns)]
    values = _numbers(channels, 70.0, missing=missing)
    biases = [70.5 + 0.5 * n for n in range(5)]
    series = [
        charts.Series(
            f"{channel}, {at}" if at else str(channel),
            biases,
            [1.2e6 * value / 70 * (bias - 68) for bias in biases],
            [2e4, None, math.nan, 1e5, 0.0],
            at,
            str(channel),
        )
        for at in ("", "T = 15 °C")
        for channel, value in enumerate(values)
    ]
    words = {"x_title": "Bias", "x_unit": "V", "y_title": name, "y_unit": "ADC/p.e."}
    bands = (charts.Band(2e6, 9e6), charts.Band(3e6, None, at=71.5))
    places_of = {place: str(n) for n, place in enumerate(places)}
    return (
        DrawnChart("a", f"{name} against bias", charts.against(series, title="", **words,
                                                              bands=bands)),
        DrawnChart("b", "Mean", charts.against(series[:1], title="", **words)),
        DrawnChart(
            "c",
            f"Map of {name}",
            charts.channel_map(dict(zip(places, values, strict=True)), rows=rows, columns=columns,
                               title="", unit="V", labels=places_of),
        ),
    )  # fmt: skip


def _stage(
    title: str, channels: int, *, state: str, name: str = "Gain", missing: bool = False,
    waiver: WaiverView | None = None, columns: int = 9,
) -> StageView:  # fmt: skip
    cells: list[Callable[[float], str]] = [
        lambda v: measured(v, 0.012),
        lambda v: measured(v * 1e5, 2.1e4),
        lambda v: measured(v / 1e9, 1e-12, "", 4e-11),
        lambda v: measured(v - 70),
        lambda v: measured(v, 0.0),
        lambda v: measured(v / 100, 0.0021, "", 0.0075),
        lambda v: measured(v * 1e298, 1e297),
        lambda v: measured(math.nan, 1.0) if v < 70 else measured(v, 12.0),
        lambda v: measured(v, math.nan),
    ]
    values = _numbers(channels, 70.0, missing=missing)
    heads = tuple(Head(f"{name} of column {n}", "V") for n in range(columns))
    rows = tuple(
        (str(n), tuple(Cell(cells[k % len(cells)](value)) for k in range(columns)))
        for n, value in enumerate(values)
    )
    lines = tuple(
        JudgedLine(
            title=f"{name} {n}",
            condition="bias 72.4 V, T = 25 °C" if n % 2 else "",
            worst=measured(70.0 * 10**n, 0.012 * 10**n, "V"),
            channel=n,
            pass_band=band(51.0, 53.123456789, "V"),
            warning_band=band(None, 53e9, "V"),
            outcome=state if state != "waived" else "fail",
            outcome_text=state,
            outside=f"{channels}/{channels}",
            text="the limit lies within the value's uncertainty; 3 channels have no value",
        )
        for n in range(7)
    )
    return StageView(
        key=title.lower(),
        title=title,
        verdict=VerdictView(1, state, state, f"{state} ({name})", "Limits 3", 1, waiver),
        source=Source(1, "pde", "1.0", "0.1.0", THEN, 1, f"run-{name}.root", 10, "f" * 64, 7, "",
                      "s-1", "rosa", THEN),
        problems=tuple(f"Channel {n}: {WORDS}" for n in range(3)),
        judged=lines,
        charts=_charts(channels, name, missing=missing),
        whole=(
            WholeValue(name, "", measured(1234.5, 0.5, "V")),
            WholeValue(f"{name} slope", "T = 25 °C", measured(0.05, 0.0012, "V/°C")),
            WholeValue(name, "", measured(math.nan, 1, "V")),
        ),
        means=(Grid("Mean over the channels at", heads, rows[:3]),),
        points=(),
        chosen=Point(1, "bias 72.4 V, T = 25 °C"),
        channels=Grid("Channel", heads, rows),
    )  # fmt: skip


def hard_views() -> dict[str, DeviceView]:
    """Name of the difficulty -> a device that has it."""
    waiver = WaiverView(WORDS, "rosa", THEN, dt.date(2027, 1, 31), True, SIGNERS)
    many = _stage("Breakdown and PDE", 128, state="pass", missing=True)
    failed = _stage("Dark box", 16, state="fail")
    waived = _stage("Dark box", 16, state="waived", waiver=waiver, name="Dark count rate")
    return {
        "128 channels": _view("GX-128", 128, (many,), "L-1"),
        "300 signs": _view(
            LONG, 16, (_stage(LONG, 16, state="fail", name=LONG[:120]), waived), LONG * 2
        ),
        "300 unbroken": _view(UNBROKEN, 4, (_stage(UNBROKEN, 4, state="pass", name="M" * 60),),
                              UNBROKEN),
        "not measured": _view("X-1", 16, (), "<b>&amp; <para>"),
        "all failed": _view("GX-016", 16, (failed, _stage("PDE", 16, state="fail")), "L-1"),
        "waived": _view("GX-017", 16, (waived,), "L-1"),
        "foreign": _view(FOREIGN, 1, (_stage(FOREIGN, 1, state="warning", name=FOREIGN),),
                         FOREIGN * 6),
        "many stages": _view("S-9", 4, tuple(_stage(f"Stage number {n}", 4, state="pass")
                                            for n in range(9)), ""),
    }  # fmt: skip
