"""The charts of a full report by matplotlib, for ``make bench BENCH=reports``."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from mppcqa.home import home_folder

WANTED = Path(__file__).parent / "matplotlib.txt"


def pyplot() -> Any:
    """Matplotlib's, drawing PDF; fetched on first use into a folder that nothing else reads."""
    folder = Path(os.environ.get("MPPCQA_PEERS", home_folder() / "peers")) / "matplotlib"
    if not (folder / ".ready").exists():
        print(f"fetching matplotlib into {folder}", flush=True)
        asked = ["--quiet", "--no-deps", "--upgrade", "--target", folder, "-r", WANTED]
        subprocess.run([sys.executable, "-m", "pip", "install", *asked], check=True)
        (folder / ".ready").touch()
    sys.path.append(str(folder))  # last: packages of ours stay what they are
    importlib.import_module("matplotlib").use("pdf")
    return importlib.import_module("matplotlib.pyplot")


def matplotlib_time(repeats: int) -> float:
    """Processor time of a full report with its charts by matplotlib instead of ours [s]."""
    from mppcqa.inventory.models import Device
    from mppcqa.public_address import public_address
    from mppcqa.reports.device import lay_out
    from mppcqa.views.device import device_view

    plt = pyplot()
    serials = list(Device.objects.order_by("pk").values_list("serial", flat=True))[:repeats]
    first = device_view(serials[0], viewer=None)
    assert first is not None
    draw_all(plt, first)  # what is loaded once
    start = time.process_time()
    for serial in serials:
        view = device_view(serial, viewer=None)
        assert view is not None
        stages = tuple(replace(one, charts=()) for one in view.stages)
        lay_out(replace(view, stages=stages), public_address())
        draw_all(plt, view)
    return (time.process_time() - start) / len(serials)


def draw_all(plt: Any, view: Any) -> None:
    """Each chart of a device as a PDF of its own."""
    for stage in view.stages:
        for one in stage.charts:
            shown = draw(plt, one.chart)
            shown.savefig(io.BytesIO(), format="pdf")
            plt.close(shown)


def draw(plt: Any, chart: Any) -> Any:
    """The same values, limits, names and panels as on our paper."""
    from mppcqa.charts.plots import Bars, CellMap, Curves

    if isinstance(chart, Curves):
        shown, axes = plt.subplots(
            -(-len(chart.series) // 8), min(8, len(chart.series)), squeeze=False,
            sharex=True, sharey=True, figsize=(7.0, 3.0),
        )  # fmt: skip
        for panel, one in zip(axes.flat, chart.series, strict=False):
            error = [e or 0.0 for e in one.error]
            panel.errorbar(one.x, one.y, yerr=error, marker="o", markersize=2)
            panel.set_title(one.name, fontsize=7)
        shown.supxlabel(chart.x.text)
    elif isinstance(chart, Bars):
        shown, axis = plt.subplots(figsize=(3.3, 2.2))
        axis.stairs(chart.counts, chart.edges)
    else:
        assert isinstance(chart, CellMap)
        shown, axis = plt.subplots(figsize=(3.3, 2.2))
        found = chart.finite()
        at = [
            [found.get((row, column), float("nan")) for column in range(chart.columns)]
            for row in range(chart.rows)
        ]
        axis.imshow(at)
        for (row, column), value in found.items():
            axis.text(column, row, f"{value:.3g}", fontsize=6, ha="center", va="center")
    shown.suptitle(chart.title)
    return shown
