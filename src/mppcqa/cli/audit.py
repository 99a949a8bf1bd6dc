"""``mppcqa audit``: is what was entered of every change as it was entered?"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import echo


@click.group()
def audit() -> None:
    """Who changed what, chained by hashes."""


@audit.command()
@json_option("One JSON object instead of text.")
def verify(as_json: bool) -> None:
    """Go along the whole chain and name the first link that does not hold.

    Holds it against the anchors that this computer has too, and says which triggers are missing.
    Exit status 1 if anything is not as it should be. People may go on working.
    """
    setup_django()
    from rich.console import Console
    from rich.progress import Progress

    from mppcqa.audit.chain import verify as go_along

    with Progress(transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task("entries", total=None)
        found = go_along(lambda done, total, text: bar.update(task, completed=done, total=total))
    if as_json:
        echo(json.dumps({"ok": found.holds, **asdict(found)}))
    else:
        for line in found.notes:
            echo(f"note: {line}")
        if found.broken:
            echo(f"first broken link: {found.broken}")
        for line in found.faults:
            echo(line)
        echo(
            f"{found.entries} entries hold, {found.anchors} anchors compared, {found.waiting} "
            f"entries wait to be sealed, {found.seconds:.1f} s"
        )
    raise SystemExit(0 if found.holds else 1)


@audit.command()
def seal() -> None:
    """Seal what waits now, and anchor the chain: before a medium is taken away, say."""
    setup_django()
    from mppcqa.audit import anchors
    from mppcqa.audit.chain import seal as seal_all
    from mppcqa.audit.models import Entry

    n = 0
    while some := seal_all():
        n += some
    last = Entry.objects.order_by("-pk").first()
    written = 0 if last is None else anchors.anchor(last, again=True)
    echo(f"{n} entries sealed, the end of the chain written into {written} files")
