"""Questions over the whole campaign: ``make bench BENCH=explore ARGS="--sizes 1e6"``.

Fills MariaDB (``MPPCQA_DATABASE``, database ``NAME_explore_SIZE``) by the real ingest, or uses
again what an earlier call filled; brings the columnar copy up to date, and asks it ten kinds of
question, each with 20 random choices of lots; some of them are asked in SQL as well, and both
answers compared. Then it changes something of each kind and asks until the answer is right
(`fresh_s`), and stores analyses with the copy at work and without. Before all that a spectrum is
fitted anew on its page, many times (`refit_ms`, from click to picture). The last line is one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks import explore_fresh, explore_refit

SEED = 19
FILTERS = 20
LOTS, STATIONS, EVERY_TAGGED = 12, 4, 50


def main() -> int:
    """One process a size, so that nothing is warm from the one before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1e6,1e7", help="numbers of values, ascending")
    parser.add_argument("--sql", type=int, default=3, help="choices that are asked in SQL as well")
    parser.add_argument("--size", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure(int(options.size), options.sql)), flush=True)
        return 0
    address = os.environ.get("MPPCQA_DATABASE", "")
    if not address.startswith("mysql:"):
        print("set MPPCQA_DATABASE=mysql://user:password@host/name", file=sys.stderr)
        return 1
    server = urlsplit(address)
    report: dict[str, Any] = {"sizes": {}} | explore_refit.measure()
    for size in (int(float(one)) for one in options.sizes.split(",")):
        home = Path(tempfile.gettempdir()) / f"mppcqa-bench-explore-{size}"
        home.mkdir(mode=0o700, exist_ok=True)
        environment = os.environ | {
            "MPPCQA_HOME": str(home),
            "MPPCQA_DATABASE": server._replace(path=f"{server.path}_explore_{size}").geturl(),
            "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        }
        arguments = [sys.executable, "-m", "benchmarks.explore", f"--size={size}"]
        done = subprocess.run(
            [*arguments, f"--sql={options.sql}"],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        found = json.loads(done.stdout.decode().splitlines()[-1])
        report["sizes"][str(size)] = found
        power = round(np.log10(size))
        report["question_p95_ms" if power == 8 else f"question_p95_ms_1e{power}"] = found["p95_ms"]
        report["ratio_sql"] = found["ratio_sql"]
        report["equal"] = report.get("equal", True) and found["equal"]
    print(json.dumps(report), flush=True)
    return 0 if report["equal"] else 1


def measure(size: int, in_sql: int) -> dict[str, Any]:
    """Everything at one size."""
    database = urlsplit(os.environ["MPPCQA_DATABASE"])
    make_database(database)
    import django

    from mppcqa.database import local_files

    local_files.allowed = True
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    report: dict[str, Any] = {"filled_s": fill(size)}
    from mppcqa.columnar import files, keeping
    from mppcqa.columnar.snapshot import snapshot

    began = time.perf_counter()
    layout = keeping.follow()
    report |= {"follow_s": since(began), "values": layout.rows, "files": len(layout.pieces)}
    report["bytes"] = sum((files.folder() / one).stat().st_size for one in layout.names)
    began = time.perf_counter()
    snapshot()
    report["snapshot_ms"] = round(1000 * since(began))
    report |= ask_all(in_sql)
    return report | explore_fresh.measure(np.random.default_rng(SEED))


def make_database(address: Any) -> None:
    """The database, where it is not there yet."""
    import pymysql

    with pymysql.connect(
        host=address.hostname,
        port=address.port or 3306,
        user=address.username,
        password=address.password or "",
    ) as server:
        name = address.path.strip("/").replace("`", "")
        server.cursor().execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")


def fill(size: int) -> float:
    """Values by the real ingest; nothing where they are there."""
    from django.db.models import F, Sum

    from benchmarks import database_fill as made_up
    from mppcqa.audit.chain import seal
    from mppcqa.inventory.models import Device, Lot, Tag
    from mppcqa.results.models import Analysis
    from mppcqa.runs.models import Run, Station

    wanted = size // made_up.VALUES_A_DEVICE
    if (Analysis.objects.aggregate(n=Sum("values"))["n"] or 0) >= wanted * made_up.VALUES_A_DEVICE:
        return 0.0
    began = time.perf_counter()
    ids = made_up.prepare(wanted)
    made_up.fill(ids, np.random.default_rng(SEED))
    for number in range(LOTS):
        lot = Lot.objects.create(name=f"L{number}")
        Device.objects.alias(part=F("id") % LOTS).filter(part=number).update(lot=lot)
    for stage in made_up.BY_CHANNEL:
        for number in range(1, STATIONS):
            station = Station.objects.create(name=f"{stage}-{number + 1}", stage=stage, slots=4)
            mine = Run.objects.filter(stage=stage).alias(part=F("id") % STATIONS)
            mine.filter(part=number).update(station=station)
    tag = Tag.objects.create(name="odd")
    tag.devices.set(ids[::EVERY_TAGGED])
    took = since(began)
    while seal(60.0):  # as the reaper does all along
        pass
    return took


def ask_all(in_sql: int) -> dict[str, Any]:
    """Each kind with random lots: milliseconds of copy and SQL, and whether both say the same."""
    from mppcqa.columnar.questions import Chosen, Questions
    from mppcqa.inventory.models import Lot, Tag

    rng = np.random.default_rng(SEED)
    lots, tag = list(Lot.objects.values_list("pk", flat=True)), Tag.objects.get().pk
    report: dict[str, Any] = {"kinds": {}}
    everything, spent, equal = [], [], True
    for name, (copy, sql) in kinds().items():
        times, by_sql, cpu = [], [], []
        cold = 0.0
        for number in range(FILTERS):
            some = 1 if name == "one lot" else int(rng.integers(1, len(lots)))
            mine = tuple(sorted(rng.choice(lots, some, replace=False).tolist()))
            chosen = Chosen(ids={"lot": mine})
            if name == "tag and verdict":
                chosen = Chosen(tags=(tag,), outcomes=(("pass", "fail")[number % 2],))
            began, used = time.perf_counter(), time.process_time()
            found = copy(Questions(chosen=chosen))
            times.append(1000 * since(began))
            cpu.append(1000 * (time.process_time() - used))
            cold = cold or times[0]
            if number < in_sql:
                began = time.perf_counter()
                wanted = sql(chosen, found)
                by_sql.append(1000 * since(began))
                equal &= same(name, found, wanted)
        warm = times[1:]
        everything += warm
        spent += cpu[1:]
        report["kinds"][name] = {
            "p95_ms": percentile(warm),
            "median_ms": round(statistics.median(warm), 1),
            "cpu_p95_ms": percentile(cpu[1:]),
            "cold_ms": round(cold, 1),
            "sql_ms": round(statistics.median(by_sql)),
            "ratio": round(statistics.median(by_sql) / statistics.median(warm), 1),
        }
        print(name, json.dumps(report["kinds"][name]), file=sys.stderr, flush=True)
    ratios = [one["ratio"] for one in report["kinds"].values()]
    # On a machine that does other things too the processor's time is what can be compared.
    report |= {"p95_ms": percentile(everything), "cpu_p95_ms": percentile(spent)}
    report |= {"ratio_sql": statistics.median(ratios)}
    return report | {"ratio_sql_least": min(ratios), "equal": equal}


Kind = tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]


def kinds() -> dict[str, Kind]:
    """Kind -> the question of the copy, and in SQL (which gets the choice, and the copy's answer);
    both give what `same` compares."""
    from benchmarks import explore_sql as sql
    from benchmarks.explore_measures import measure_of

    gain, pde = measure_of("pde", "gain_adc", 1), measure_of("pde", "pde", 1)
    rate, every = measure_of("darkbox", "dark_rate_hz", 1), measure_of("pde", "gain_adc", 99)
    box = measure_of("darkbox", "gain_adc", 1)

    def counts(found: Any, named: Callable[[Any], Any] = lambda g: g) -> Any:
        return {(named(g), b): n for g, row in found.counts.items() for b, n in enumerate(row) if n}

    def inside(found: Any, rows: Any) -> Any:
        last = len(found.edges) - 2
        return {k: n for k, n in rows.items() if 0 <= k[1] <= last}

    return {
        "histogram by lot": (
            lambda q: q.histogram(gain, "lot"),
            lambda c, f: (counts(f), inside(f, sql.histogram(gain, c, f.edges, "d.lot_id"))),
        ),
        "median by station": (
            lambda q: {one.group: one.median for one in q.summary(rate, "station")},
            lambda c, f: (f, sql.medians(rate, c, "r.station_id", sql.RUN)),
        ),
        "two quantities": (
            lambda q: q.pairs(gain, pde),
            lambda c, f: ((f.n, f.pearson), sql.pairs(gain, pde, c)),
        ),
        "outliers": (
            lambda q: len(q.outliers(rate, far=5.0, most=1_000_000)),
            lambda c, f: (f, sql.outliers(rate, c, 5.0)),
        ),
        "correlation": (
            lambda q: q.pairs(gain, box),
            lambda c, f: ((f.n, f.pearson), sql.pairs(gain, box, c)),
        ),
        "histogram by condition": (
            lambda q: q.histogram(every, "point"),
            lambda c, f: (
                merged(counts(f)),
                merged(inside(f, sql.histogram(every, c, f.edges, "m.condition_id"))),
            ),
        ),
        "yield by week": (
            lambda q: {one.group: (one.judged, one.passed) for one in q.yields("pde", "week")},
            lambda c, f: (f, sql.yields("pde", c)),
        ),
        "one lot": (
            lambda q: [(one.n, one.mean) for one in q.summary(gain)],
            lambda c, f: (f[0] if f else (0, 0.0), sql.summary(gain, c)),
        ),
        "tag and verdict": (
            lambda q: [(one.n, one.mean) for one in q.summary(gain)],
            lambda c, f: (f[0] if f else (0, 0.0), sql.summary(gain, c)),
        ),
        "tray map": (
            lambda q: {(r, c): median for r, c, _n, median in q.tray_map(gain)},
            lambda c, f: (f, sql.tray_map(gain, c)),
        ),
    }


def merged(counts: dict[Any, int]) -> list[tuple[int, ...]]:
    """Histograms whose groups have other names there."""
    found: dict[Any, dict[int, int]] = {}
    for (group, b), n in counts.items():
        found.setdefault(group, {})[b] = n
    return sorted(tuple(v for pair in sorted(one.items()) for v in pair) for one in found.values())


def same(name: str, _found: Any, both: tuple[Any, Any]) -> bool:
    """Whether two answers are equal, but for the rounding of sums."""
    one, two = both
    if isinstance(one, dict):
        good = one.keys() == two.keys() and all(
            np.allclose(one[key], two[key], rtol=1e-9) for key in one
        )
    elif name == "histogram by condition":
        good = one == two
    else:
        good = bool(np.allclose(one, two, rtol=1e-6))
    if not good:
        print(f"{name}: {str(one)[:300]} is not {str(two)[:300]}", file=sys.stderr)
    return good


def percentile(times: list[float]) -> float:
    """95 % of them are shorter."""
    return round(float(np.percentile(times, 95)), 1)


def since(began: float) -> float:
    """Seconds since then."""
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
