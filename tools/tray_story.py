"""Draws the pictures of ``docs/trays.md`` and writes its numbers, from five measured trays.

``make tray-story``. The trays are public (github.com/imooney/Yale-LFHCal-SiPM-QC) and are looked
for in the folder ``lfhcal_trays`` of ``MPPCQA_SHARED_DATA``, or of ``../shared/data``. A number in
the text stands between ``<!--its name-->`` and ``<!---->``, which no reader sees.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent))

from served import ROOT, environment_of, served, shot, signed_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT = ROOT / "docs" / "trays.md"
PICTURES = ROOT / "docs" / "pictures" / "trays"
NUMBER = re.compile(r"<!--(?P<name>[a-z_]+)-->(?P<value>[^<]*)<!---->")
STAGE = "tray_survey"
IV, SPECTRA = "breakdown_voltage_iv_v", "breakdown_voltage_sps_v"
RESISTANCE, CURRENT = "forward_resistance_ohm", "dark_current_above_na"
TRAY, ODD_TRAY = "250821-1304", "250717-1304"
GROUP = 20


def written(text: str, numbers: dict[str, str]) -> str:
    """The text with its numbers as they are now; KeyError for a name that nothing computes."""
    return NUMBER.sub(lambda one: f"<!--{one['name']}-->{numbers[one['name']]}<!---->", text)


def numbers() -> dict[str, str]:
    """All numbers of the text, asked of a database into which the trays were taken in."""
    from mppcqa.columnar import keeping
    from mppcqa.columnar.questions import Questions
    from mppcqa.results.models import Outcome, Standing

    keeping.follow()
    found = {
        name: str(Standing.objects.filter(stage=STAGE, outcome=outcome).count())
        for name, outcome in (
            ("passed", Outcome.PASS),
            ("warned", Outcome.WARNING),
            ("failed", Outcome.FAIL),
        )
    }
    questions = Questions()
    return found | _methods(questions) | _outliers(questions) | _groups()


def _measure(key: str) -> Any:
    from mppcqa.columnar.questions import Measure
    from mppcqa.results.models import QuantityRow

    return Measure(QuantityRow.objects.get(stage=STAGE, key=key).pk, (), STAGE)


def _values(key: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of each device in order: its tray, the value and the uncertainty."""
    import numpy as np

    from mppcqa.results.models import Measurement

    rows = Measurement.objects.filter(quantity__key=key, quantity__stage=STAGE)
    tray, value, error = zip(
        *rows.order_by("device").values_list("device__tray__name", "value", "statistical"),
        strict=True,
    )
    return np.array(tray), np.array(value, float), np.array(error, float)


def _methods(questions: Any) -> dict[str, str]:
    """What IV curves and spectra say of the same devices."""
    import numpy as np
    from scipy.stats import spearmanr

    from mppcqa.physics import compare_stations

    tray, spectra, error = _values(SPECTRA)
    _tray, iv, iv_error = _values(IV)
    _tray, temperature, _error = _values("temperature_c")
    together = questions.pairs(_measure(SPECTRA), _measure(IV))
    both = compare_stations(spectra, error, iv, iv_error)
    offsets = [
        compare_stations(*(part[tray == one] for part in (spectra, error, iv, iv_error))).offset
        for one in sorted(set(tray))
    ]
    rank = spearmanr(iv - spectra, temperature).statistic
    return {
        "devices": f"{together.n}",
        "trays": f"{len(offsets)}",
        "offset_mv": f"{1e3 * both.offset:.1f} ± {1e3 * both.offset_error:.1f}",
        "least_offset_mv": f"{1e3 * min(offsets):.1f}",
        "greatest_offset_mv": f"{1e3 * max(offsets):.1f}",
        "correlation": f"{together.pearson:.3f}",
        "slope": f"{both.slope:.2f} ± {both.slope_error:.2f}",
        "scatter_mv": f"{1e3 * both.scatter:.1f}",
        "stated_mv": f"{1e3 * np.median(error):.0f}",
        "of_devices_mv": f"{1e3 * spectra.std(ddof=1):.0f}",
        "with_temperature": f"{rank:.2f}",
        "coldest_c": f"{temperature.min():.1f}",
        "warmest_c": f"{temperature.max():.1f}",
    }


def _outliers(questions: Any) -> dict[str, str]:
    """What lies far from its tray, and where it lies."""
    import numpy as np

    from mppcqa.inventory.models import Device

    currents = questions.outliers(_measure(CURRENT), "tray")
    resistances = questions.outliers(_measure(RESISTANCE), "tray")
    odd = Device.objects.filter(tray__name=ODD_TRAY)
    places = odd.in_bulk([one.device for one in resistances])
    columns = [places[one.device].tray_column for one in resistances if one.device in places]
    column = max(set(columns), key=columns.count)
    grid = _map(ODD_TRAY, RESISTANCE)
    return {
        "odd_currents": f"{len(currents)}",
        "largest_current_na": f"{currents[0].value:g}",
        "of_current": Device.objects.get(pk=currents[0].device).serial,
        "pull_of_current": f"{currents[0].pull:.1f}",
        "odd_resistances": f"{len(resistances)}",
        "of_odd_tray": f"{len(columns)}",
        "odd_column": f"{column}",
        "in_odd_column": f"{columns.count(column)}",
        "column_median_ohm": f"{np.median(grid[:, column]):.1f}",
        "other_median_ohm": f"{np.median(np.delete(grid, column, axis=1)):.1f}",
    }


def _map(tray: str, key: str) -> NDArray[Any]:
    """A quantity by row and column of a tray, as the workbench has it."""
    import numpy as np

    from mppcqa.columnar.questions import Chosen, Questions
    from mppcqa.inventory.models import Tray

    row = Tray.objects.get(name=tray)
    grid = np.full((row.rows, row.columns), np.nan)
    for at, column, _n, middle in Questions(chosen=Chosen(ids={"tray": (row.pk,)})).tray_map(
        _measure(key)
    ):
        grid[at, column] = middle
    return grid


def _place() -> Any:
    from mppcqa.inventory.models import Institute

    return Institute.objects.get_or_create(name="Laboratory of the trays")[0]


def _series(key: str) -> Any:
    from mppcqa.statistics.models import Series

    return Series.objects.get(quantity__stage=STAGE, quantity__key=key)


def _groups() -> dict[str, str]:
    """Groups that share a bias voltage: as the devices come, sorted, and the best there are."""
    from mppcqa.limits.picking import Need
    from mppcqa.statistics.alike import Wanted, propose
    from mppcqa.statistics.matching import MOST

    need = Need(origin=_place(), count=MOST, stages=(STAGE,))
    found = propose(Wanted(need, GROUP, _series(SPECTRA)), None)
    return {
        "group": f"{GROUP}",
        "groups": f"{len(found.groups)}",
        "chosen_from": f"{len(found.members)}",
        "as_they_come_mv": f"{1e3 * found.plain.mean:.1f}",
        "sorted_mv": f"{1e3 * found.sorted.mean:.2f}",
        "best_mv": f"{1e3 * found.best.mean:.2f}",
        "sorted_most_mv": f"{1e3 * found.sorted.spreads.max():.1f}",
        "best_most_mv": f"{1e3 * found.best.spreads.max():.1f}",
    }


def pictures() -> dict[str, tuple[str, str]]:
    """Name of a picture -> the address of its page, and the part of it that is drawn."""
    from mppcqa.inventory.models import Tray

    def asked(key: str, **more: Any) -> str:
        return "/workbench/?" + urlencode({"q": _measure(key).quantity} | more)

    odd, both = Tray.objects.get(name=ODD_TRAY).pk, _measure(IV).quantity
    matching = {"value": _series(SPECTRA).pk, "size": GROUP, "origin": _place().pk}
    return {
        "map": (f"/trays/{TRAY}/?quantity={_series(SPECTRA).pk}", "main .card:has(.chart)"),
        "methods": (
            asked(SPECTRA, kind="pairs", q2=both, by="tray"),
            ".card .chart",
        ),
        "boxes": (asked(CURRENT, kind="box", by="tray"), ".card .chart"),
        "column": (asked(RESISTANCE, kind="tray", tray=odd), ".card .chart"),
        "matching": (
            "/matching/new/?" + urlencode(matching | {"verdict": "good", "stages": STAGE}),
            "main .col-lg-8 .card",
        ),
    }


def trays() -> Path | None:
    """The folder of the five trays, where it is there."""
    named = os.environ.get("MPPCQA_SHARED_DATA")
    folder = (Path(named) if named else ROOT.parent / "shared" / "data") / "lfhcal_trays"
    return folder if folder.is_dir() else None


def main() -> int:
    """Take the trays in, write the numbers, draw the pictures."""
    folder = trays()
    if folder is None:
        print("no trays: name the folder that holds lfhcal_trays with MPPCQA_SHARED_DATA")
        return 1
    with tempfile.TemporaryDirectory(prefix="mppcqa-trays-") as made:
        home = Path(made)
        environment = environment_of(home)
        for part in (["django", "migrate", "-v0"], ["import", "lfhcal", str(folder)]):
            command = [sys.executable, "-m", "mppcqa.cli", *part]
            subprocess.run(command, env=environment, check=True)  # noqa: S603
        os.environ.clear()
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="mppcqa.project.settings")
        import django

        django.setup()
        TEXT.write_text(written(TEXT.read_text(encoding="utf-8"), numbers()), encoding="utf-8")
        shown = pictures()
        with served(home, "--no-demo") as address, signed_in(address, home, 1200, 900) as page:
            for name, (path, part) in shown.items():
                shot(page, address + path, PICTURES / f"{name}.png", part)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
