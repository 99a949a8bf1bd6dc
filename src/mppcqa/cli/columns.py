"""``mppcqa columns``: the columnar copy that questions over the campaign are asked of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

TOLD = 20


@click.group()
def columns() -> None:
    """The columnar copy of the values."""
    setup_django()


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    with click.progressbar(length=1000, label=label) as bar:
        yield lambda done, total: bar.update(1000 * done // max(1, total) - bar.pos)


@columns.command()
def status() -> None:
    """Say how large and how old the copy is, as JSON."""
    from mppcqa.columnar import files

    layout = files.read_layout()
    size = sum((files.folder() / name).stat().st_size for name in layout.names)
    told = {
        "values": layout.rows,
        "files": len(layout.pieces),
        "bytes": size,
        "built_at": layout.built_at or None,
        "followed_at": layout.followed_at or None,
        "age_s": layout.age_s,
        "folder": str(files.folder()),
    }
    echo(json.dumps(told))


@columns.command()
def follow() -> None:
    """Take in what came since; workers do so every ten minutes."""
    from mppcqa.columnar import keeping
    from mppcqa.columnar.files import Busy

    try:
        with _bar("Reading") as progress:
            layout = keeping.follow(progress)
    except Busy:
        raise click.ClickException("Another process is bringing the copy up to date.") from None
    echo(f"The copy has {layout.rows} values in {len(layout.pieces)} files.")


@columns.command()
def rebuild() -> None:
    """Make the copy anew from the database."""
    from mppcqa.columnar import keeping

    with _bar("Reading") as progress:
        layout = keeping.rebuild(progress)
    echo(f"The copy has {layout.rows} values in {len(layout.pieces)} files.")


@columns.command()
def check() -> None:
    """Hold the copy against the database; exit status 1 if a value differs."""
    from mppcqa.columnar import keeping

    with _bar("Comparing") as progress:
        found = keeping.check(progress)
    if found.absent:
        echo(f"Analyses that are not in the copy yet: {len(found.absent)}.")
    for analysis in found.wrong[:TOLD]:
        echo(f"Values of analysis {analysis} differ.")
    if found.wrong:
        echo(f"{len(found.wrong)} analyses differ; mend it with: mppcqa columns rebuild")
        raise SystemExit(1)
    echo(f"{found.values} values are in the copy as the database has them.")
