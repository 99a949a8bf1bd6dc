"""``mppcqa plugins``: what other packages bring, and what of it is switched off."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import echo


@click.command()
@json_option("One JSON object instead of text.")
@click.option("--hooks", is_flag=True, help="List what a package may add, and by which group.")
def plugins(as_json: bool, hooks: bool) -> None:
    """List and check what installed packages add; exit status 1 if something is switched off."""
    from mppcqa.plugins import HOOKS, ask_all, broken, used

    if hooks:
        for hook in HOOKS.values():
            echo(f"{hook.group}: a {hook.what}; an entry point names a {hook.names}")
        return
    setup_django()
    ask_all()
    found, off = used(), broken()
    if as_json:
        rows = {"used": [asdict(one) for one in found], "switched_off": [asdict(o) for o in off]}
        echo(json.dumps({"ok": not off} | rows))
    else:
        for one in found:
            what = HOOKS[one.group].what
            echo(f"{what} {one.key} ({one.value} of {one.package}): ok")
        for fault in off:
            echo(str(fault))
            echo(
                "".join(f"  {line}\n" for line in fault.details.splitlines()), nl=False, lines=True
            )
        if not found and not off:
            echo("No other package adds anything. What one may add: mppcqa plugins --hooks")
    if off:
        raise SystemExit(1)
