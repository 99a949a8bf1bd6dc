"""Foreign files into runs: the originals are kept, and a run file is made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction

from mppcqa.queue.actions import Call, submit_chain
from mppcqa.testing.files import keep_file
from mppcqa.testing.models import Run, RunFile, RunSlot

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.inventory.models import Device
    from mppcqa.runfile.foreign import Mapping, Measured

STAGE = "stage2"
NEEDED = {"charge": ("bias_v", "temperature_c"), "waveform": ("bias_v", "temperature_c"),
          "iv": ("temperature_c",)}  # fmt: skip
"""Conditions without which data of a kind can't be used."""


class ForeignRefused(ValueError):
    """Nothing was taken in; `faults` has a line for each file or condition that is at fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


def complete(parts: Sequence[Measured], given: Dict[str, float]) -> list[Measured]:
    """Parts with the conditions that a person gave where the file says none."""
    done = []
    for part in parts:
        found = {
            name: value
            for name, value in given.items()
            if hasattr(part, name) and math.isnan(getattr(part, name))
        }
        if math.isnan(part.light) and "light" not in given:
            found["light"] = 0.0
        if part.kind == "iv":
            found.pop("bias_v", None)
        done.append(replace(part, **found))
    return done


def lacking(parts: Sequence[Measured]) -> list[str]:
    """Conditions that some part needs and has not."""
    names = [
        name for part in parts for name in NEEDED[part.kind] if math.isnan(getattr(part, name))
    ]
    return list(dict.fromkeys(names))


def import_foreign(
    paths: Sequence[Path],
    mapping: Mapping,
    device: Device,
    *,
    given: Dict[str, float] | None = None,
    channel: int | None = None,
    names: Sequence[str] = (),
    by: AbstractBaseUser | None = None,
) -> Run:
    """Take files of one device in as a run, and have it converted, analysed, judged, reported.

    given
        Conditions (``bias_v``, ``temperature_c``, ``light``) where the files say none.
    channel
        Channel of the device that the data belong to, where the mapping does not tell.

    Raises `ForeignRefused` with a line for each fault; nothing was begun then.
    """
    from mppcqa.runfile.foreign import ForeignError, look_at

    faults: list[str] = []
    shown = list(names) or [path.name for path in paths]
    for path, name in zip(paths, shown, strict=True):
        try:
            parts = complete(look_at(path, mapping), given or {})
        except ForeignError as error:
            faults.append(str(error))
            continue
        if lack := lacking(parts):
            faults.append(f"{name}: {', '.join(lack)} is not known; give it with the import")
        highest = max(channel or 0, *(max(part.channels) for part in parts))
        if highest >= device.device_type.channels:
            faults.append(
                f"{name}: channel {highest}, but {device.serial} has channels 0 to "
                f"{device.device_type.channels - 1}"
            )
    if not paths:
        faults.append("choose at least one file")
    if faults:
        raise ForeignRefused(faults)
    with transaction.atomic():
        run = Run.objects.create(
            stage=STAGE, operator_id=None if by is None else by.pk, note=", ".join(shown)[:500]
        )
        RunSlot.objects.create(run=run, slot=1, device=device)
        rows = [
            keep_file(path, kind=RunFile.Kind.IMPORT, run=run, name=name)
            for path, name in zip(paths, shown, strict=True)
        ]
        run.parameters = {
            "import": {
                "mapping": mapping.as_json(),
                "files": [row.pk for row in rows],
                "names": shown,
                "given": dict(given or {}),
                "channel": channel,
            }
        }
        arguments = {"run_id": run.pk}
        run.task_group = submit_chain(
            [
                Call("testing.convert", arguments),
                Call("testing.check", arguments),
                Call("testing.analyse", arguments),
                Call("testing.judge", arguments),
                Call("reports.run", arguments),
            ],
            title=f"{mapping.name}, run {run.pk}",
            by=by,
            about=run,
        )
        run.save(update_fields=["parameters", "task_group"])
    return run


def imported_parts(run: Run) -> list[Measured]:
    """What the files of an imported run hold, by the mapping that was chosen then."""
    from mppcqa.runfile.foreign import mapping_from_json, read_foreign

    asked: dict[str, Any] = run.parameters["import"]
    mapping = mapping_from_json(asked["mapping"])
    rows = {row.pk: row for row in RunFile.objects.filter(pk__in=asked["files"])}
    parts: list[Measured] = []
    for key, name in zip(asked["files"], asked["names"], strict=True):
        for part in read_named(Path(rows[key].file.path), name, mapping, read_foreign):
            if asked["channel"] is not None and part.channels == (0,):
                part = replace(part, channels=(asked["channel"],))
            parts.append(part)
    return complete(parts, asked["given"])


def read_named(path: Path, name: str, mapping: Mapping, read: Any) -> list[Measured]:
    """Read a file of the store under the name that it came with, which may hold conditions."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / Path(name).name
        named.symlink_to(path.resolve())
        found: list[Measured] = read(named, mapping)
        return found
