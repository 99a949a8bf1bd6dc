"""``mppcqa backup`` and ``mppcqa restore``: all of an installation, on any database."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

SIGNER = click.option(
    "--signed-by",
    "signer",
    default="",
    help="Fingerprint of the key that should have signed it; by default that of this computer.",
)


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--rotate",
    "rotated",
    is_flag=True,
    help="Afterwards remove older backups by their age (MPPCQA_BACKUP_KEEP).",
)
@click.option(
    "--verify",
    "verified",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Make none; hold this one against its signature, its checksums and itself.",
)
@SIGNER
@click.option("--key", is_flag=True, help="Make none; say which key signs the backups made here.")
def backup(
    folder: Path | None, rotated: bool, verified: Path | None, signer: str, key: bool
) -> None:
    """Back up database and stored files into FOLDER while people go on working.

    By default into the folder that MPPCQA_BACKUPS names, or backups of MPPCQA_HOME; from there a
    copy goes to MPPCQA_BACKUPS_SECOND.
    """
    setup_django()
    from rich.progress import Progress

    from mppcqa.exchange.backup import back_up, verify
    from mppcqa.exchange.backup_files import BackupError
    from mppcqa.exchange.backup_trust import our_fingerprint
    from mppcqa.exchange.rotation import default_folder, rotate
    from mppcqa.exchange.second_place import copy_to_second

    if key:
        echo(our_fingerprint())
        return
    if verified is not None:
        faults = verify(verified) or _doubts(verified, signer)
        for fault in faults:
            echo(fault, err=True)
        if faults:
            raise click.ClickException(f"{len(faults)} faults: this backup can't be relied on")
        echo(f"{verified}: signature, checksums, audit and values hold")
        _name_faults(verified)
        return
    place = folder or default_folder()
    with Progress(transient=True) as bar:
        task = bar.add_task("backup", total=None)

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text[-40:])

        try:
            made = back_up(place, show)
        except (BackupError, OSError) as error:
            raise click.ClickException(
                f"no backup was made, nothing of it is left: {error}"
            ) from None
    echo(made)
    echo(f"signed by {our_fingerprint()}", err=True)
    _name_faults(made)
    if folder is None:
        try:
            second = copy_to_second(made)
        except (BackupError, OSError) as error:
            raise click.ClickException(f"{made} has no second place: {error}") from None
        if second is not None:
            echo(second)
    if rotated:
        for name in rotate(place):
            echo(f"removed: {name}", err=True)


def _doubts(backup: Path, signer: str) -> list[str]:
    import json

    from mppcqa.exchange.backup_trust import inner_faults, signature_fault
    from mppcqa.exchange.rotation import MANIFEST

    fault = signature_fault(backup, signer)
    return [fault] if fault else inner_faults(backup, json.loads((backup / MANIFEST).read_text()))


def _name_faults(backup: Path) -> None:
    from mppcqa.exchange.backup import stated_faults

    faults = stated_faults(backup)
    for fault in faults:
        echo(fault, err=True)
    if faults:
        echo(
            f"{len(faults)} files were missing or damaged when it was made; all else is whole. "
            "To mend what can be: mppcqa fsck --repair",
            err=True,
        )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--replace", is_flag=True, help="Replace all that the database holds.")
@SIGNER
@click.option("--force", is_flag=True, help="Also one that is damaged or was tampered with.")
def restore(folder: Path, replace: bool, signer: str, force: bool) -> None:
    """Put the backup in FOLDER into the database and store that the settings name.

    A backup of an older version is migrated to this one.

    Stop workers and web server first. A database that is in use is left alone unless --replace.
    """
    setup_django()
    from django.db import DatabaseError
    from rich.progress import Progress

    from mppcqa.exchange.backup_files import BackupError
    from mppcqa.exchange.restore import restore as put_back

    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("restore", total=None)

            def show(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=text[-40:])

            counts = put_back(folder, replace=replace, signer=signer, force=force, told=show)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    except (OSError, DatabaseError) as error:
        raise click.ClickException(
            f"The restore did not end: {error}. Mend that, and restore again with --replace."
        ) from None
    _name_faults(folder)
    told = ", ".join(f"{n} {name}" for name, n in counts.items() if name != "missing")
    echo(told + " restored")
