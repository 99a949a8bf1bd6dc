"""How files of other programs are read: mappings that are named, or proposed and asked about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mppcqa.cli.tables import echo

if TYPE_CHECKING:
    from mppcqa.tables.mapping import Mapping
    from mppcqa.tables.proposal import Proposal


def list_mappings() -> None:
    """The mappings that there are, with format and kind."""
    from mppcqa.exchange.foreign.mappings import all_mappings

    for mapping in all_mappings():
        echo(f"{mapping.name}  ({mapping.format}, {mapping.kind})")


def mappings_for(
    files: tuple[Path, ...],
    name: str | None,
    units: tuple[str, ...],
    channels_from: int | None,
    asks: bool,
) -> list[Mapping]:
    """The named mapping for all files, or one for each as it is proposed."""
    if name is not None:
        found = [_named(name)] * len(files)
    else:
        found = [_proposed(path, units, asks) for path in files]
    if channels_from is not None:
        found = [replace(one, channels_from=channels_from) for one in found]
    return found


def _named(name: str) -> Mapping:
    from mppcqa.exchange.foreign.mappings import find_mapping
    from mppcqa.tables import TableError
    from mppcqa.tables.mapping_document import mapping_from_json

    if not name.endswith(".json"):
        found: Mapping = find_mapping(name)
        return found
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
    except ValueError as error:
        raise TableError(f"{name}: no JSON: {error}") from None
    return mapping_from_json(document)


def _proposed(path: Path, units: tuple[str, ...], asks: bool) -> Mapping:
    from mppcqa.exchange.foreign.mappings import all_mappings
    from mppcqa.tables import TableError
    from mppcqa.tables.propose import propose

    if not path.is_file():
        raise TableError(f"{path.name}: there is no such file")
    found = propose(path, all_mappings())
    for pair in units:
        column, _sign, unit = pair.partition("=")
        found = found.with_unit(column, unit)
    if found.mapping is not None:
        echo(f"{path.name}: {found.mapping.name}", err=True)
    for reason in found.reasons:
        echo(f"  {reason}", err=True)
    if found.certain and found.mapping is not None:
        return found.mapping
    if asks and found.mapping is not None:
        return _asked(found)
    remedies = [f'--unit "{doubt.column}={doubt.unit}"' for doubt in found.doubts if doubt.unit]
    listed = "; ".join(doubt.text for doubt in found.doubts)
    hint = (
        f"; if so: {' '.join(remedies)}" if remedies else "; name one with --mapping (see --list)"
    )
    raise TableError(f"{path.name}: {listed}{hint}")


def _asked(found: Proposal) -> Mapping:
    """A proposal whose doubts a person answers with yes."""
    for doubt in list(found.doubts):
        click.confirm(doubt.text, abort=True, err=True)
        if doubt.unit:
            found = found.with_unit(doubt.column, doubt.unit)
    if found.mapping is None:
        raise click.Abort
    return found.mapping
