"""``mppcqa backup`` and ``mppcqa restore``: all of an installation, on any database."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1), help="Remove all but so many newest backups.")
@click.option(
    "--verify",
    "verified",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Make none; check the checksums of this one.",
)
def backup(folder: Path | None, keep: int | None, verified: Path | None) -> None:
    """Back up database and stored files into FOLDER while people go on working.

    By default into the folder backups of MPPCQA_HOME.
    """
    setup_django()
    from rich.progress import Progress

    from mppcqa.exchange.backup import back_up, default_folder, thin_out, verify

    if verified is not None:
        faults = verify(verified)
        for fault in faults:
            click.echo(fault, err=True)
        if faults:
            raise click.ClickException(f"{len(faults)} faults: this backup can't be relied on")
        click.echo(f"{verified}: every checksum holds")
        _name_missing(verified)
        return
    place = folder or default_folder()
    with Progress(transient=True) as bar:
        task = bar.add_task("backup", total=None)

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text[-40:])

        try:
            made = back_up(place, show)
        except OSError as error:
            raise click.ClickException(
                f"no backup was made, nothing of it is left: {error}"
            ) from None
    click.echo(made)
    _name_missing(made)
    if keep:
        thin_out(place, keep)


def _name_missing(backup: Path) -> None:
    from mppcqa.exchange.backup import missing_files

    names = missing_files(backup)
    for name in names:
        click.echo(f"not in the store, so not in the backup: {name}", err=True)
    if names:
        click.echo(f"{len(names)} stored files are missing; all else is whole", err=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--replace", is_flag=True, help="Replace all that the database holds.")
def restore(folder: Path, replace: bool) -> None:
    """Put the backup in FOLDER into the database and store that the settings name.

    A backup of an older version is migrated to this one.

    Stop workers and web server first. A database that is in use is left alone unless --replace.
    """
    setup_django()
    from django.db import DatabaseError
    from rich.progress import Progress

    from mppcqa.exchange.backup import BackupError
    from mppcqa.exchange.restore import restore as put_back

    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("restore", total=None)

            def show(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=text[-40:])

            counts = put_back(folder, replace=replace, told=show)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    except (OSError, DatabaseError) as error:
        raise click.ClickException(
            f"The restore did not end: {error}. Mend that, and restore again with --replace."
        ) from None
    _name_missing(folder)
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if name != "missing")
    click.echo(told + " restored")
