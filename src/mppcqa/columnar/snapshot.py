"""The copy with all that values belong to, of one moment, ready to be asked.

An answer is always of what the database says: the copy is compared with what counts there, and
values of an analysis that is not in it yet are read from the database. So nobody waits for the
copy, and whether it is kept up is a matter of time alone, never of what is right.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import connection as database
from django.db import connections
from numpy.typing import NDArray

from mppcqa.columnar import files
from mppcqa.columnar.rows import SCHEMA, read_rows
from mppcqa.columnar.slices import Kept, Slice, read_slices
from mppcqa.columnar.things import Moment, changes_are_told, read_things, read_verdicts
from mppcqa.loading import Later
from mppcqa.results.references import Meaning

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

logger = logging.getLogger(__name__)

MOST_READ = 300_000
"""Values that a question reads from the database; what is beyond is said to be missing."""
ASKED_AFTER = 20_000
"""Values that are not in the copy before a question has it brought up to date."""
TRUSTED_S = 60.0
"""Seconds after which all is read again, though nothing tells of a change: meanwhile, or by who
asks where the time has passed twice."""
LATE = 5_000
"""Verdicts that are read once more, since a transaction may end after a later one has."""

MINE = """
CREATE TABLE mine AS
SELECT row_number() OVER () - 1 AS number, s.device, s.analysis, s.stage, s.outcome, s.judged,
       d.type, d.maker, d.lot, d.tray, d.tray_row, d.tray_column, d.location, d.campaign, d.owner,
       a.run, a.station, a.operator, a.measured
FROM standing s JOIN device d USING (device) JOIN analysis a USING (analysis)
"""


FRESH = "(SELECT * FROM fresh ORDER BY point, device, channel, condition)"


@dataclass(frozen=True)
class Groups:
    """What each row of ``mine`` belongs to, as a number among `keys` (which may hold None)."""

    codes: NDArray[np.int32]
    keys: list[Any]


@dataclass
class Snapshot:
    """A connection to DuckDB with the tables ``mine`` (a row a device and stage, with the analysis
    that counts), ``tag`` and ``fresh`` (values that are not in the copy), and the copy's files."""

    duck: duckdb.DuckDBPyConnection
    layout: files.Layout
    made_at: float
    moment: Moment | None
    """At which all this was so; None where the database does not tell of changes."""
    layout_at: int
    """When the layout was written."""
    fresh: int
    """Values that were read from the database."""
    missing: int
    """Values that are in neither."""
    kept: Kept
    device: NDArray[np.int64]
    """(rows of ``mine``,) and the analysis that counts for it."""
    analysis: NDArray[np.int64]
    looked_at: float = 0.0
    """When the database was last asked whether it is still so."""
    verdicts_there: bool = False
    _groups: dict[str, Groups] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """For one question; several may be asked at once."""
        return self.duck.cursor()

    def holds(self) -> bool:
        """Whether it is what the database and the copy say now."""
        if self.moment is None or self.layout_at != files.written_at():
            return False
        return self.moment.holds()

    def learn_verdicts(self) -> None:
        """Have the table ``verdict``, the first of each device and stage."""
        with self._lock:
            if not self.verdicts_there:
                _known.learn_verdicts()
                self.duck.register("verdicts", _known.verdicts)
                self.duck.execute(
                    "CREATE TABLE first AS SELECT device, stage, arg_min(outcome, id) AS outcome, "
                    "arg_min(judged, id) AS judged FROM verdicts GROUP BY device, stage"
                )
                self.verdicts_there = True

    def slices(self, quantity: int, points: Sequence[int]) -> list[Slice]:
        """All values of a quantity at conditions (without any, at all), of the copy and newer."""
        found: list[Slice] = []
        for one in self.layout.pieces:
            if one.quantity in (None, quantity):
                path = str(files.folder() / one.name)
                found += self.kept.of(self.cursor, path, quantity, points)
        if self.fresh:
            found += read_slices(self.cursor(), FRESH, [], quantity, points)
        return found

    def one_sided(self, quantity: int, points: Sequence[int]) -> list[Slice]:
        """The one-sided limits of a quantity, which are in no answer; seldom many, so not kept."""
        paths = [
            str(files.folder() / one.name)
            for one in self.layout.pieces
            if one.quantity in (None, quantity)
        ]
        found = (
            read_slices(self.cursor(), "read_parquet(?)", [paths], quantity, points, one_sided=True)
            if paths
            else []
        )
        if self.fresh:
            found += read_slices(self.cursor(), FRESH, [], quantity, points, one_sided=True)
        return found

    def groups(self, sql: str) -> Groups:
        """What rows of ``mine`` (named ``m``) are grouped by."""
        held = self._groups.get(sql)
        if held is None:
            asked = f"SELECT {sql} AS g FROM mine m ORDER BY m.number"
            column: Any = self.cursor().sql(asked).to_arrow_table()["g"].combine_chunks()
            column = column.dictionary_encode("encode")
            codes = column.indices.to_numpy().astype(np.int32)
            held = self._groups[sql] = Groups(codes, column.dictionary.to_pylist())
        return held


@dataclass
class _Known:
    """What a process keeps between questions."""

    process: int = 0
    place: str = ""
    told: bool = False
    """Whether the database tells of changes."""
    snapshot: Snapshot | None = None
    fresh: dict[tuple[int, str], pa.Table] = field(default_factory=dict)
    """Values of analyses that are not in the copy; a number and its mark are never another's."""
    verdicts: pa.Table | None = None
    kept: Kept = field(default_factory=lambda: Kept(settings.MPPCQA_COLUMNAR_CACHE_MB << 20))
    looks: threading.Thread | None = None
    """Who looks meanwhile whether the snapshot holds."""

    def learn_verdicts(self) -> None:
        held = self.verdicts if _keep_s() > 0 else None
        last = 0 if held is None or not len(held) else pc.max(held["id"]).as_py() - LATE
        new = read_verdicts(max(0, last))
        if held is not None:
            new = pa.concat_tables([held.filter(pc.less_equal(held["id"], max(0, last))), new])
        self.verdicts = new


_known = _Known()
_lock = threading.Lock()
"""Of what is known. Nobody has it for long."""
_reading = threading.Lock()
"""Of who asks the database, which takes seconds of a large campaign."""


def _keep_s() -> float:
    return float(settings.MPPCQA_COLUMNAR_KEEP_S)


def snapshot() -> Snapshot:
    """The campaign as it was at most twice `MPPCQA_COLUMNAR_KEEP_S` seconds ago.

    After that time the database is asked whether anything changed, and read again where it did: by
    a thread while this answers; and by who asks where the time has passed twice.
    """
    with _lock:
        place = f"{files.folder()} {database.settings_dict['NAME']}"
        if (_known.process, _known.place) != (os.getpid(), place):
            told = _keep_s() > 0 and changes_are_told()
            _known.__init__(os.getpid(), place, told)  # type: ignore[misc]
        if (held := _known.snapshot) is not None:
            age = time.monotonic() - held.looked_at
            if age < _keep_s():
                return held
            if age < 2 * _keep_s():
                _look_meanwhile(held)
                return held
    with _reading:
        held, now = _known.snapshot, time.monotonic()
        if held is not None and now - held.looked_at < _keep_s():
            return held  # somebody looked while this waited
        if held is not None and now - held.made_at < 2 * TRUSTED_S and held.holds():
            held.looked_at = now
            if now - held.made_at >= TRUSTED_S:
                with _lock:
                    _look_meanwhile(held)
            return held
        found = _made()
        with _lock:
            _known.snapshot = found
        return found


def _look_meanwhile(held: Snapshot) -> None:
    """Have a thread look, unless one does; for who has `_lock`."""
    if _known.looks is None or not _known.looks.is_alive():
        _known.looks = threading.Thread(target=_look, args=(held,), daemon=True)
        _known.looks.start()


def _look(held: Snapshot) -> None:
    """Look whether a snapshot holds, and have another where it does not or is old."""
    try:
        with _reading:
            if _known.snapshot is not held:
                return
            now = time.monotonic()
            if good := held.holds():
                held.looked_at = now
            if good and now - held.made_at < TRUSTED_S:
                return
            found = _made()
            with _lock:
                if _known.snapshot is held:
                    _known.snapshot = found
    except Exception:
        # Who asks next does the same, and is told what is wrong.
        logger.warning("the campaign could not be read anew", exc_info=True)
    finally:
        connections.close_all()


def forget() -> None:
    """The next question looks again."""
    with _lock:
        _known.snapshot = None


def new_duck() -> duckdb.DuckDBPyConnection:
    """A DuckDB of this process alone, that reads and writes the copy's folder and nothing else."""
    spill = files.folder() / ".spill"
    duck = duckdb.connect(
        ":memory:",
        config={
            "threads": min(4, os.cpu_count() or 1),
            "memory_limit": settings.MPPCQA_COLUMNAR_MEMORY,
            "temp_directory": str(spill),
            "allow_community_extensions": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    duck.execute("SET parquet_metadata_cache = true")
    duck.execute(
        f"SET allowed_directories = ['{str(files.folder()).replace(chr(39), chr(39) * 2)}']"
    )
    duck.execute("SET enable_external_access = false")
    duck.execute("SET lock_configuration = true")
    return duck


def _made() -> Snapshot:
    began = time.monotonic()
    read, layout_at = read_things(marked=_known.told), files.written_at()
    things = read.tables
    duck = new_duck()
    layout = files.read_layout()
    for name, table in things.items():
        duck.register(name, table)
    duck.execute(MINE)
    duck.execute("CREATE TABLE tags AS SELECT * FROM tag")
    there = files.read_analyses(layout)
    wanted = duck.execute(
        "SELECT analysis, mark, size FROM analysis SEMI JOIN mine USING (analysis) "
        "ORDER BY analysis"
    ).fetchall()
    if any(there.get(number, mark) != mark for number, mark, _size in wanted):
        layout, there = files.Layout(), {}  # a copy of another database
    absent = [one for one in wanted if one[0] not in there]
    parts, missing = _fresh([(number, mark, size) for number, mark, size in absent])
    fresh = pa.concat_tables([SCHEMA.empty_table(), *parts])
    duck.register("fresh_rows", fresh)
    duck.execute("CREATE TABLE fresh AS SELECT * FROM fresh_rows")
    for name in (*things, "fresh_rows"):
        duck.unregister(name)
    _known.kept.drop_others({str(files.folder() / one) for one in layout.names})
    both = duck.execute("SELECT device, analysis FROM mine ORDER BY number").fetchnumpy()
    device, analysis = np.asarray(both["device"]), np.asarray(both["analysis"])
    return Snapshot(
        duck,
        layout,
        began,
        read.moment,
        layout_at,
        len(fresh),
        missing,
        _known.kept,
        device,
        analysis,
        looked_at=began,
    )


def _fresh(absent: list[tuple[int, str, int]]) -> tuple[list[pa.Table], int]:
    """Values of analyses (number, mark, how many values) that are not in the copy, as far as a
    question reads them, and how many it does not."""
    held = _known.fresh
    keys = {(number, mark) for number, mark, _size in absent}
    for key in held.keys() - keys:
        del held[key]
    left, unread, missing = MOST_READ, [], 0
    for number, mark, size in absent:
        if (number, mark) in held:
            left -= size
        elif size <= left:
            unread.append((number, mark))
            left -= size
        else:
            missing += size
    if unread:
        marks = dict(unread)
        found = pa.concat_tables(
            [SCHEMA.empty_table(), *read_rows([number for number, _mark in unread], Meaning())]
        )
        for number, mark in marks.items():
            held[number, mark] = found.filter(pc.equal(found["analysis"], number))
    return [held[number, mark] for number, mark, _size in absent if (number, mark) in held], missing
