"""For how long migrations hold the tables of values: ``python -m tests.frozen.locks FILE``.

On MariaDB, and a database of the frozen state. Each later migration is applied, and its statements
are looked at: one that changes the definition of a table of values is given the algorithm that it
may use, so that the server refuses it where it would copy the table; one that changes rows of such
a table is named. What was refused is then done as it is, so that it can be timed.

The last line is one JSON object: statements, faults, and the seconds of each statement.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

ADDED = (("ALGORITHM=INSTANT",), ("ALGORITHM=INPLACE", "LOCK=NONE"))
"""What holds a table for a moment alone, whatever it holds (decision 9)."""
CHANGE = re.compile(r"^\s*(ALTER TABLE|CREATE (?:UNIQUE )?INDEX|DROP INDEX)\b", re.I)
ROWS = re.compile(r"^\s*(UPDATE|DELETE|INSERT|REPLACE|LOAD)\b", re.I)
REFUSED = 1846, 1845
"""MariaDB: this algorithm or lock is not supported for this change."""


def large_tables() -> list[str]:
    """Those that grow with the values and the changes: 10^7 rows and more in a campaign."""
    from mppcqa.audit.models import Entry
    from mppcqa.results.models import Measurement

    return [Measurement._meta.db_table, Entry._meta.db_table]


@dataclass
class Step:
    """A statement on a large table."""

    migration: str
    sql: str
    how: str = ""
    """INSTANT, or INPLACE: beside people who write; empty where they wait."""
    seconds: float = 0.0
    fault: str = ""


@dataclass
class Watch:
    """Sees every statement of the migrations: an `execute_wrapper`."""

    tables: Sequence[str]
    migration: str = ""
    steps: list[Step] = field(default_factory=list)

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if not any(re.search(rf"[`\s]{one}[`\s(]", f"{sql} ") for one in self.tables):
            return execute(sql, params, many, context)
        if ROWS.match(sql):
            step = self._begin(sql)
            step.fault = "changes rows of a large table: a routine does that afterwards, in parts"
            return self._timed(step, lambda: execute(sql, params, many, context))
        if not CHANGE.match(sql):
            return execute(sql, params, many, context)
        step = self._begin(sql)
        between = ", " if sql.lstrip().upper().startswith("ALTER") else " "
        for more in ADDED:
            try:
                way = between.join([sql.rstrip().rstrip(";"), *more])
                result = self._timed(step, lambda way=way: execute(way, params, many, context))
            except Exception as error:
                if not getattr(error, "args", ()) or error.args[0] not in REFUSED:
                    raise
            else:
                step.how = more[0].partition("=")[2]
                return result
        step.fault = "MariaDB copies the table, and nobody writes meanwhile"
        return self._timed(step, lambda: execute(sql, params, many, context))

    def _begin(self, sql: str) -> Step:
        step = Step(self.migration, " ".join(sql.split())[:200])
        self.steps.append(step)
        return step

    def _timed(self, step: Step, do: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        try:
            return do()
        finally:
            step.seconds = round(time.perf_counter() - began, 3)


def go_forward() -> list[Step]:
    """Apply all that the database of this process lacks; what it did to large tables."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from mppcqa.audit.triggers import drop_triggers, make_triggers

    watch = Watch(large_tables())

    def told(action: str, migration: Any = None, _fake: bool = False) -> None:
        if migration is not None:
            watch.migration = str(migration)

    drop_triggers()
    executor = MigrationExecutor(connection, progress_callback=told)
    with connection.execute_wrapper(watch):
        executor.migrate(executor.loader.graph.leaf_nodes())
    make_triggers()
    return watch.steps


def main() -> int:
    """See the head of this file."""
    import django

    django.setup()
    steps = go_forward()
    faults = [f"{one.migration}: {one.sql}: {one.fault}" for one in steps if one.fault]
    print(json.dumps({"steps": [asdict(one) for one in steps], "faults": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
