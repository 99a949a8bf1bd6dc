"""The one report of a batch: files, devices, values, and each problem with its reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from mppcqa.exchange.faults import harmless
from mppcqa.exchange.models import Batch, BatchFile
from mppcqa.results.models import Analysis

HEADS = ("file", "bytes", "state", "serial", "run", "values of the run", "problems")
PIECE = 1000


def counts_of(row: Batch) -> dict[str, int]:
    """Files, devices, runs, values, problems of analyses, and runs that are not analysed yet."""
    found = row.counts()
    runs = row.files.exclude(run=None).values("run")
    values = problems = 0
    analysed = set()
    rows = Analysis.objects.filter(run_file__run__in=runs)
    for run, some, said in rows.values_list("run_file__run", "values", "problems"):
        analysed.add(run)
        values, problems = values + (some or 0), problems + len(said or ())
    return found | {
        "values": values,
        "problems": problems,
        "waiting_runs": found["runs"] - len(analysed),
    }


def lines_of(row: Batch) -> Iterator[tuple[Any, ...]]:
    """A line a file, as `HEADS` says; problems of a run stand with each of its files."""
    last = 0
    while True:
        files = list(row.files.filter(pk__gt=last).select_related("device").order_by("pk")[:PIECE])
        if not files:
            return
        last = files[-1].pk
        of_run = _of_runs({one.run_id for one in files if one.run_id})
        for one in files:
            values, problems = of_run.get(one.run_id or 0, ("", []))
            said = one.why if one.state != BatchFile.State.TAKEN else problems
            serial = one.device.serial if one.device else ""
            yield (one.name, one.size, one.state, serial, one.run_id or "", values, "; ".join(said))


def _of_runs(runs: set[int]) -> dict[int, tuple[int | str, list[str]]]:
    """Number of values (empty before they are analysed) and problems, by run."""
    found: dict[int, tuple[int | str, list[str]]] = {}
    rows = Analysis.objects.filter(run_file__run__in=runs).order_by("pk")
    for run, values, said in rows.values_list("run_file__run", "values", "problems"):
        texts = [str(one.get("what", one)) if isinstance(one, dict) else str(one) for one in said]
        found[run] = (values or 0, texts)
    return found


def write_report(row: Batch, target: TextIO) -> None:
    """All files of a batch as CSV."""
    writer = csv.writer(target)
    writer.writerow(HEADS)
    for line in lines_of(row):
        writer.writerow([harmless(str(cell)) for cell in line])
