"""Routines of the columnar room."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine


@routine(
    "columnar.follow",
    title=_("Bring the columnar copy up to date"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="*/10 * * * *",
)
def follow(context: Context) -> dict[str, Any]:
    """Take in what came since, and sort it by quantity where it has become much."""
    from mppcqa.columnar import keeping
    from mppcqa.columnar.files import Busy

    try:
        layout = keeping.follow(lambda done, total: context.progress(done, total, "values"))
    except Busy:
        return {"busy": True}
    return {"values": layout.rows, "files": len(layout.pieces)}


@routine(
    "columnar.check",
    title=_("Check the columnar copy"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="10 5 * * 0",
)
def check(context: Context) -> dict[str, Any]:
    """Hold the copy against the database; a copy that is wrong is made anew, and the task fails."""
    from mppcqa.columnar import keeping

    found = keeping.check()
    if found.wrong:
        keeping.rebuild()
        raise TaskError(
            f"Values of {len(found.wrong)} analyses were not in the columnar copy as the database "
            f"has them, the first of {found.wrong[0]}. The copy was made anew."
        )
    return {"values": found.values, "absent": len(found.absent)}
