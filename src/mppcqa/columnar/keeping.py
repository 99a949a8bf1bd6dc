"""The copy brought up to date, made anew, and checked. It is derived: nothing is lost with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from mppcqa.columnar import files
from mppcqa.columnar.files import Layout, Piece
from mppcqa.columnar.rows import SCHEMA, in_order, read_rows
from mppcqa.columnar.snapshot import new_duck
from mppcqa.columnar.things import read_things
from mppcqa.disk import whole_file
from mppcqa.loading import Later
from mppcqa.results.models import QuantityRow
from mppcqa.results.references import Meaning

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

PIECE_ROWS = 1_000_000
"""Values that are held in memory at once."""
MOST_TAILS = 8
"""Files of what came since, before they become one."""
LEAST_MERGED = 500_000
TAIL_PART = 0.2
"""Part of the copy that what came since may be, before all is sorted by quantity."""
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Wanted:
    """An analysis that counts for some device."""

    number: int
    mark: str
    size: int


def counting_analyses() -> list[Wanted]:
    """What the copy should hold."""
    things = read_things().tables
    with duckdb.connect(":memory:") as duck:
        for name in ("standing", "analysis"):
            duck.register(name, things[name])
        rows = duck.execute(
            "SELECT analysis, mark, size FROM analysis SEMI JOIN standing USING (analysis) "
            "ORDER BY analysis"
        ).fetchall()
    return [Wanted(*row) for row in rows]


def follow(progress: Progress = no_progress) -> Layout:
    """Take in what came since. Raises `files.Busy` where another process is at it."""
    with files.changing():
        layout = files.read_layout()
        wanted = counting_analyses()
        there = files.read_analyses(layout)
        if any(there.get(one.number, one.mark) != one.mark for one in wanted):
            return _rebuilt(wanted, progress)  # a copy of another database
        absent = [one for one in wanted if one.number not in there]
        layout = _taken_in(layout, there, absent, progress)
        layout = _merged(layout, wanted)
        files.clear_former()
        return layout


def rebuild(progress: Progress = no_progress) -> Layout:
    """Make the copy anew; the former one answers until it is there."""
    with files.changing(wait=True):
        return _rebuilt(counting_analyses(), progress)


def _rebuilt(wanted: Sequence[Wanted], progress: Progress) -> Layout:
    layout = _taken_in(Layout(built_at=files.now_text()), {}, wanted, progress, publish=False)
    layout = _merged(layout, wanted, always=True)
    files.write_layout(layout)
    files.clear_former()
    return layout


def _taken_in(
    layout: Layout,
    there: dict[int, str],
    absent: Sequence[Wanted],
    progress: Progress,
    *,
    publish: bool = True,
) -> Layout:
    """The layout with further analyses, each file with its analyses published as it is written."""
    total = sum(one.size for one in absent)
    done, there = 0, dict(there)
    moment = files.now_text()  # the database was read a moment ago
    for some in _pieces(absent):
        table = pa.concat_tables(
            [SCHEMA.empty_table(), *read_rows([one.number for one in some], Meaning())]
        )
        there |= {one.number: one.mark for one in some}
        pieces = layout.pieces
        if len(table):
            name = files.new_name("since")
            files.write_table(in_order(table), name)
            pieces += (Piece(name, len(table)),)
        layout = replace(layout, pieces=pieces, rows=layout.rows + len(table))
        if publish:
            layout = replace(layout, analyses=files.write_analyses(there))
            files.write_layout(layout)
        done += sum(one.size for one in some)
        progress(done, total)
    analyses = files.write_analyses(there) if not publish or not layout.analyses else ""
    layout = replace(
        layout,
        analyses=analyses or layout.analyses,
        built_at=layout.built_at or moment,
        followed_at=moment,
    )
    if publish:
        files.write_layout(layout)
    return layout


def _pieces(analyses: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    some: list[Wanted] = []
    rows = 0
    for one in analyses:
        some.append(one)
        rows += one.size
        if rows >= PIECE_ROWS:
            yield some
            some, rows = [], 0
    if some:
        yield some


def _merged(layout: Layout, wanted: Sequence[Wanted], *, always: bool = False) -> Layout:
    """Files of one quantity each, where what came since has become much; or one file of it."""
    tails = [one for one in layout.pieces if one.quantity is None]
    since = sum(one.rows for one in tails)
    much = since > max(LEAST_MERGED, TAIL_PART * (layout.rows - since))
    if not tails or not (always or much or len(tails) > MOST_TAILS):
        return layout
    with new_duck() as duck:
        if not (always or much):
            name = files.new_name("since")
            rows = _write(duck, tails, name)
            kept = tuple(one for one in layout.pieces if one.quantity is not None)
            layout = replace(layout, pieces=(*kept, Piece(name, rows)))
        else:
            counting = pa.table({"analysis": pa.array([one.number for one in wanted], pa.int32())})
            duck.register("counting", counting)
            layout = _by_quantity(duck, layout, {one.number: one.mark for one in wanted})
    if not always:
        files.write_layout(layout)
    return layout


def _by_quantity(
    duck: duckdb.DuckDBPyConnection, layout: Layout, counting: dict[int, str]
) -> Layout:
    """All sorted by quantity and condition, without analyses that count for nobody any longer."""
    pieces = []
    for row in QuantityRow.objects.order_by("pk"):
        mine = [one for one in layout.pieces if one.quantity in (None, row.pk)]
        name = files.new_name(f"quantity-{row.pk}")
        if rows := _write(duck, mine, name, row.pk):
            pieces.append(Piece(name, rows, row.pk))
    # Analyses that came while this was written are not in it.
    held = files.read_analyses(layout)
    kept = {number: mark for number, mark in held.items() if counting.get(number) == mark}
    return replace(
        layout,
        pieces=tuple(pieces),
        analyses=files.write_analyses(kept),
        rows=sum(one.rows for one in pieces),
    )


def _write(
    duck: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], name: str, quantity: int | None = None
) -> int:
    """Rows of files as one file, sorted; those of one quantity, if it is named, that count."""
    where = ""
    parameters: list[object] = [[str(files.folder() / one.name) for one in pieces]]
    if quantity is not None:
        where = "SEMI JOIN counting USING (analysis) WHERE quantity = ?"
        parameters.append(quantity)
    with whole_file(files.folder() / name) as part:
        duck.execute(
            f"COPY (SELECT * FROM read_parquet(?) {where} "
            "ORDER BY quantity, point, device, channel, condition) "
            f"TO '{part}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {files.ROW_GROUP})",
            parameters,
        )
        rows = duck.execute("SELECT count(*) FROM read_parquet(?)", [str(part)]).fetchall()[0][0]
    if not rows:
        (files.folder() / name).unlink()
    return int(rows)


@dataclass(frozen=True)
class Checked:
    """What a check found; both lists are empty where all is well."""

    values: int
    wrong: list[int]
    """Analyses whose values differ."""
    absent: list[int]
    """Analyses that count and are not in the copy yet: questions read them from the database."""


def check(progress: Progress = no_progress) -> Checked:
    """Hold every value of the copy that counts against the database."""
    with files.changing(wait=True):
        layout = files.read_layout()
        wanted = counting_analyses()
        there = files.read_analyses(layout)
        held = [one for one in wanted if there.get(one.number) == one.mark]
        absent = [one.number for one in wanted if one.number not in there]
        wrong = [one.number for one in wanted if there.get(one.number, one.mark) != one.mark]
        with new_duck() as duck:
            copied = {}
            if names := [str(files.folder() / one.name) for one in layout.pieces]:
                copied = _sums(duck, "read_parquet(?)", [names])
            done, total = 0, sum(one.size for one in held)
            for some in _pieces(held):
                table = pa.concat_tables(
                    [SCHEMA.empty_table(), *read_rows([one.number for one in some], Meaning())]
                )
                duck.register("read", table)
                found = _sums(duck, "read", [])
                wrong += [
                    one.number for one in some if found.get(one.number) != copied.get(one.number)
                ]
                done += len(table)
                progress(done, total)
    return Checked(done, sorted(wrong), absent)


def _sums(
    duck: duckdb.DuckDBPyConnection, source: str, parameters: list[object]
) -> dict[int, tuple[int, int]]:
    """Analysis -> how many values, and a sum over what they are that no order changes."""
    names = ", ".join(SCHEMA.names)
    rows = duck.execute(
        f"SELECT analysis, count(*), sum(hash({names})::HUGEINT) FROM {source} GROUP BY analysis",
        parameters,
    ).fetchall()
    return {analysis: (n, int(total)) for analysis, n, total in rows}
