"""Foreign files into runs: the originals are kept, and a run file is made from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Dict
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.disk import Measured as Content
from mppcqa.disk import measure_file
from mppcqa.exchange.foreign.called import named_as, serials_in
from mppcqa.exchange.foreign.kinds import (
    WORDS,
    complete,
    impossible,
    kind_of,
    lacking,
    stage_of,
    with_given,
)
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import Viewer
from mppcqa.queue.actions import Call, submit_chain
from mppcqa.refused import Refused
from mppcqa.runs.belonging import common_keys
from mppcqa.runs.files import save_files
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import UnknownStage
from mppcqa.store.reading import whole_path

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.tables.mapping import Mapping
    from mppcqa.tables.measured import Measured

ALLOWED = ("twice", "device", "conditions")
"""What a person may say yes to: the same file again, a name that says another device, a header and
a name that say different conditions."""


class ForeignRefused(Refused):
    """Nothing was taken in; `faults` has a line for each file or condition that is at fault.

    `asked` holds those of `ALLOWED` that a person has to say yes to.
    """

    between = "\n"

    def __init__(self, faults: Sequence[str], asked: Collection[str] = ()) -> None:
        super().__init__(faults)
        self.asked = sorted(asked)


@dataclass
class Checked:
    """What a file holds, what is wrong with it, and what has to be asked."""

    path: Path
    name: str
    mapping: Mapping
    channel: int | None = None
    """Channel of the device that a person, or the file's name, says."""
    content: Content = field(default_factory=partial(Content, "", 0))
    serials: frozenset[str] = frozenset()
    """Serial numbers that the file itself says."""
    parts: list[Measured] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    questions: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """Keys of conditions that have to be known."""
    several: bool = False
    """Whether it holds other devices as well, and may be taken in for each of them."""

    @property
    def sha256(self) -> str:
        return self.content.sha256

    def ask(self, what: str, text: str) -> None:
        self.questions.setdefault(what, []).append(f"{self.name}: {text}")


def placed(parts: Sequence[Measured], channel: int | None, device: Device) -> list[Measured]:
    """Parts on the device's channels; raises `ForeignRefused` for what it has not.

    A file of one channel of a data acquisition, whatever its number, belongs to the channel that a
    person names, and to the only one of a device of one channel.
    """
    there = sorted({one for part in parts for one in part.channels})
    only = 0 if device.device_type.channels == 1 else None
    target = channel if channel is not None else only
    if target is not None and len(there) == 1:
        return [replace(part, channels=(target,)) for part in parts]
    if channel is not None:
        listed = ", ".join(map(str, there[:20]))
        raise ForeignRefused(
            [_("the file holds the channels %s; one channel can't be named for all") % listed]
        )
    beyond = [one for one in there if not 0 <= one < device.device_type.channels]
    if beyond:
        raise ForeignRefused(
            [
                _(
                    "channel %(channel)d, but %(serial)s has channels 0 to %(last)d; say whether "
                    "channels count from 0 or from 1, or map a column of serial numbers"
                )
                % {
                    "channel": beyond[0],
                    "serial": device.serial,
                    "last": device.device_type.channels - 1,
                }
            ]
        )
    return list(parts)


def check_file(
    path: Path,
    name: str,
    mapping: Mapping,
    device: Device,
    given: Dict[str, float],
    channel: int | None,
    viewer: Viewer = None,
) -> Checked:
    """Look at a file as `viewer` would import it; nothing is written."""
    done = read_file(path, name, mapping, device, given, channel)
    ask_what_is_known([done], device, viewer)
    return done


def read_file(
    path: Path,
    name: str,
    mapping: Mapping,
    device: Device,
    given: Dict[str, float],
    channel: int | None,
    *,
    whole: bool = False,
) -> Checked:
    """What a file holds, by itself; its contents `whole` where it was asked already."""
    from mppcqa.tables import TableError
    from mppcqa.tables.reading import look_at, read_foreign

    done = Checked(path, name, mapping, channel)
    try:
        stage = stage_of(mapping)
    except (UnknownStage, Refused) as error:
        done.faults.append(f"{name}: {error}")
        return done
    try:
        with named_as(path, name) as called:
            read = read_foreign if whole else look_at
            parts = complete(read(called, with_given(mapping, given)), given, stage)
    except TableError as error:
        done.faults.append(str(error))
        return done
    parts = _of_device(done, parts, device)
    if other := {part.kind for part in parts if kind_of(stage, part) is None}:
        done.faults.append(
            _("%(name)s: the stage %(stage)s takes no files with %(what)s")
            % {
                "name": name,
                "stage": _(stage.title),
                "what": ", ".join(_(WORDS[one]) for one in sorted(other)),
            }
        )
    done.lacking = lacking(parts, stage)
    if lack := done.lacking:
        done.faults.append(
            _("%(name)s: %(lack)s is not known; give it with the import")
            % {"name": name, "lack": ", ".join(lack)}
        )
    done.faults += [f"{name}: {text}" for text in impossible(parts)]
    try:
        done.parts = placed(parts, channel, device)
    except ForeignRefused as error:
        done.faults += [f"{name}: {text}" for text in error.faults]
    for part in parts:
        done.notes += [f"{name}: {note}" for note in part.notes]
        for doubt in part.doubts:
            done.ask("conditions", doubt)
    if len({part.channels for part in done.parts}) == 1 and channel is None:
        first = done.parts[0]
        if not first.channel_known and device.device_type.channels > 1:
            done.notes.append(_("%s: no channel is said; it is taken for channel 0") % name)
    if whole:
        return done  # it was asked when it was taken in
    done.content = measure_file(path)
    done.serials = frozenset(part.serial.strip().upper() for part in done.parts) - {""}
    return done


def _of_device(done: Checked, parts: list[Measured], device: Device) -> list[Measured]:
    """Those parts that belong to a device, where the file tells several apart."""
    serials = {part.serial.strip().upper() for part in parts} - {""}
    if len(serials) < 2:
        return parts
    done.several = True
    mine = [part for part in parts if part.serial.strip().upper() == device.serial.upper()]
    if not mine:
        listed = ", ".join(sorted(serials)[:10])
        done.faults.append(
            _("%(name)s: it holds %(listed)s, and nothing of %(serial)s")
            % {"name": done.name, "listed": listed, "serial": device.serial}
        )
        return []
    done.notes.append(
        _("%(name)s: of %(n)d devices in it only %(serial)s is taken")
        % {"name": done.name, "n": len(serials), "serial": device.serial}
    )
    return mine


def ask_what_is_known(checked: Sequence[Checked], device: Device, viewer: Viewer) -> None:
    """Ask where files were taken in before, or their names or headers are of another device.

    What `viewer` does not see is as if it were not there.
    """
    read = [one for one in checked if one.sha256]
    sums = [one.sha256 for one in read]
    known = {
        row.sha256: row
        for row in RunFile.objects.visible_to(viewer)
        .filter(sha256__in=sums, kind=RunFile.Kind.IMPORT)
        .order_by("pk")
        if row.run_id is not None
    }
    said = {one.sha256: serials_in(one.name) | one.serials for one in read}
    names = {name for some in said.values() for name in some}
    seen = Device.objects.visible_to(viewer)
    rows = seen.filter(serial__in=names).values_list("serial", flat=True)
    registered = {serial.upper(): serial for serial in rows}
    for one in read:
        if row := known.get(one.sha256):
            _ask_twice(one, row, device, viewer)
        found = {registered[name] for name in said[one.sha256] & registered.keys()}
        if found and device.serial not in found:
            one.ask(
                "device",
                _("its name or header says %(other)s, not %(serial)s")
                % {"other": ", ".join(sorted(found)), "serial": device.serial},
            )


def _ask_twice(done: Checked, known: RunFile, device: Device, viewer: Viewer) -> None:
    slots = RunSlot.objects.visible_to(viewer).select_related("device", "run").order_by("slot")
    if done.several:  # it may have been taken in for others of its devices alone
        mine = slots.filter(device=device)
        there = [one for one in mine if known.pk in _imported_files(one.run)][:1]
        if not there:
            return
    else:
        there = list(slots.filter(run=known.run_id)[:5])
    done.ask(
        "twice",
        _("the same file (checksum %(sum)s…) was taken in as run %(run)d of %(serial)s")
        % {
            "sum": done.sha256[:8],
            "run": there[0].run_id if there else known.run_id,
            "serial": ", ".join(one.device.serial for one in there),
        },
    )


def import_foreign(
    paths: Sequence[Path],
    mapping: Mapping | Sequence[Mapping],
    device: Device,
    *,
    given: Dict[str, float] | None = None,
    channel: int | None = None,
    names: Sequence[str] = (),
    by: AbstractBaseUser | None = None,
    allow: Collection[str] = (),
) -> Run:
    """Take files of one device in as a run, and have it converted, analysed, judged, reported.

    mapping
        How the files are read: one for all, or one each.
    given
        Conditions by the key of their axis where the files say none.
    channel
        Channel of the device that the data belong to, where the mapping does not tell.
    allow
        What is taken in although it has to be asked; see `ALLOWED`.

    Raises `ForeignRefused` with a line for each fault; nothing was begun then.
    """
    shown = list(names) or [path.name for path in paths]
    several = list(mapping) if isinstance(mapping, Sequence) else [mapping] * len(paths)
    checked = [
        check_file(path, name, one, device, given or {}, channel, by)
        for path, name, one in zip(paths, shown, several, strict=True)
    ]
    refuse(checked, allow)
    return take_in(checked, device, given=given or {}, channel=channel, by=by)


def refuse(checked: Sequence[Checked], allow: Collection[str] = ()) -> None:
    """Raise `ForeignRefused` for faults, and for questions without an answer."""
    faults = [fault for one in checked for fault in one.faults]
    asked: set[str] = set()
    for one in checked:
        for what, texts in one.questions.items():
            if what not in allow:
                faults += texts
                asked.add(what)
    if not checked:
        faults.append(_("choose at least one file"))
    sums = [one.sha256 for one in checked if one.sha256]
    if len(set(sums)) < len(sums):
        faults.append(_("the same file was chosen twice"))
    if len({stage_of(one.mapping).key for one in checked if not one.faults}) > 1:
        faults.append(_("the files become runs of different stages; import them apart"))
    if faults:
        raise ForeignRefused(faults, asked)


AS_MEASURED = ("results.analyse", "limits.judge", "reports.run")


def take_in(
    checked: Sequence[Checked],
    device: Device,
    *,
    given: Dict[str, float],
    channel: int | None,
    by: AbstractBaseUser | None = None,
    measured_at: dt.datetime | None = None,
) -> Run:
    """A run of files that were checked, and the tasks that make values of it.

    `measured_at` is when the device was measured, where that is known; else it was just now.
    """
    mappings = [one.mapping.as_json() for one in checked]
    alike = all(one == mappings[0] for one in mappings)
    channels = [one.channel for one in checked]
    with transaction.atomic():
        run = Run.objects.create(
            stage=stage_of(checked[0].mapping).key,
            operator_id=None if by is None else by.pk,
            note=", ".join(one.name for one in checked)[:500],
            measured_at=measured_at or timezone.now(),
            **common_keys([(device.campaign_id, device.owner_id)]),
        )
        RunSlot.objects.create(run=run, slot=1, device=device)
        rows = save_files(
            [(one.path, one.content, one.name) for one in checked],
            kind=RunFile.Kind.IMPORT,
            run=run,
        )
        run.parameters = {
            "import": {
                "mappings": mappings[:1] if alike else mappings,
                "files": [row.pk for row in rows],
                "names": [one.name for one in checked],
                "given": dict(given),
                "channel": channel,
                **({"channels": channels} if channels != [channel] * len(checked) else {}),
            }
        }
        arguments = {"run_id": run.pk}
        run.task_group = submit_chain(
            [Call(name, arguments) for name in ("exchange.convert", "runs.check", *AS_MEASURED)],
            title=f"{checked[0].mapping.name}, run {run.pk}",
            by=by,
            about=run,
        )
        run.save(update_fields=["parameters", "task_group"])
    return run


def _imported_files(run: Run) -> list[int]:
    found: list[int] = run.parameters.get("import", {}).get("files", [])
    return found


def mapping_names(asked: dict[str, Any]) -> list[str]:
    """Names of the mappings of an import."""
    return list(dict.fromkeys(one["name"] for one in mappings_of(asked)))


def mappings_of(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The mapping of each file of an import; runs of before 2026-11 have one for all."""
    given: list[dict[str, Any]] = asked.get("mappings") or [asked["mapping"]]
    return given if len(given) > 1 else given * len(asked["files"])


def imported_parts(run: Run, keep: ExitStack | None = None) -> list[Measured]:
    """What the files of an imported run hold of its device, by the mappings that were chosen.

    Waveforms of large files are read when they are wanted: `keep` holds the files until it ends.
    """
    from mppcqa.tables.mapping_document import mapping_from_json

    asked: dict[str, Any] = run.parameters["import"]
    device = run.slots.select_related("device__device_type").get().device
    rows = {row.pk: row for row in RunFile.objects.filter(pk__in=asked["files"])}
    parts: list[Measured] = []
    channels = asked.get("channels") or [asked["channel"]] * len(asked["files"])
    for key, name, document, channel in zip(
        asked["files"], asked["names"], mappings_of(asked), channels, strict=True
    ):
        with ExitStack() as stack:
            path = (keep or stack).enter_context(whole_path(rows[key]))
            done = read_file(
                path,
                name,
                mapping_from_json(document),
                device,
                asked["given"],
                channel,
                whole=True,
            )
        if done.faults:
            raise ForeignRefused(done.faults)
        parts += done.parts
    return parts
