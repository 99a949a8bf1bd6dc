"""Taking a batch in: each file to its device, those of one as one run; nothing stops the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.exchange.batches.contents import BatchRefused, Contents, files_of
from mppcqa.exchange.foreign.called import serials_in
from mppcqa.exchange.foreign.files import (
    Checked,
    ForeignRefused,
    ask_what_is_known,
    read_file,
    refuse,
    take_in,
)
from mppcqa.exchange.foreign.kinds import axes, more_axes, stage_of
from mppcqa.exchange.foreign.mappings import all_mappings, find_mapping
from mppcqa.exchange.models import Batch, BatchFile
from mppcqa.inventory.models import Device, SerialAlias
from mppcqa.inventory.scope import Viewer
from mppcqa.queue.actions import submit
from mppcqa.tables import TableError
from mppcqa.tables.mapping import Given
from mppcqa.tables.mapping import Mapping as FileMapping
from mppcqa.tables.name_patterns import Named, NamePattern
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import look_at

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PIECE = 500
MOST_IN_RUN = 500
"""Files of one run; more of a device become several."""
Told = Callable[[int, int], None]
State = BatchFile.State


def begin(
    source: Path,
    name: str,
    *,
    pattern: str = "",
    mapping: str = "",
    given: Mapping[str, float] | None = None,
    allow: Collection[str] = (),
    device: str = "",
    by: AbstractBaseUser | None = None,
) -> Batch:
    """A batch of a folder or archive; the one that was begun and not finished, where there is one.

    pattern
        What names of files say, as `NamePattern` has it; without it, serial numbers in names.
    mapping
        Name of the mapping of all files; without it one is proposed for each, and only those that
        are certain are taken.

    device
        Serial number of the device of files that say none.

    Raises `BatchRefused`, or `TableError` for a pattern or mapping that can't be used.
    """
    asked = wishes(pattern, mapping, given or {}, allow, device, by)
    former = Batch.objects.filter(source=str(source), state__in=(Batch.State.NEW, Batch.State.ON))
    for row in former.order_by("-pk"):
        if row.asked == asked:
            return row
    listed = files_of(source)
    with transaction.atomic():
        row = Batch.objects.create(
            source=str(source), name=name[-200:], asked=asked,
            asked_by_id=None if by is None else by.pk,
        )  # fmt: skip
        BatchFile.objects.bulk_create(
            [BatchFile(batch=row, name=one[-400:], size=size) for one, size in listed],
            batch_size=PIECE,
        )
    return row


def wishes(
    pattern: str,
    mapping: str,
    given: Mapping[str, float],
    allow: Collection[str],
    device: str,
    viewer: Viewer,
) -> dict[str, Any]:
    """How files are to be taken in, checked for who asks. Raises `BatchRefused`, `TableError`."""
    if pattern:
        NamePattern.of(pattern, axes())
    if mapping:
        find_mapping(mapping)
    if device and not _devices({device.strip().upper()}, viewer):
        raise BatchRefused(_("%s is not registered; register it first") % device)
    return {
        "pattern": pattern,
        "mapping": mapping,
        "given": dict(given),
        "allow": sorted(allow),
        "device": device.strip().upper(),
    }


def ask(row: Batch, *, by: AbstractBaseUser | None = None) -> Batch:
    """Have a batch taken in by the queue."""
    with transaction.atomic():
        row.task = submit("exchange.batch", {"batch_id": row.pk}, by=by, about=row)
        row.state = Batch.State.ON
        row.save(update_fields=["task", "state"])
    return row


def preview(row: Batch, most: int = 20) -> list[tuple[BatchFile, Named | None, str]]:
    """What the names of the first files say: pattern, and the device's serial number (or none)."""
    files = list(row.files.order_by("pk")[:most])
    devices = _devices_by_name(row, files)
    named = {one.pk: _named(row, one.name) for one in files}
    return [
        (one, named[one.pk], devices[one.pk].serial if one.pk in devices else "") for one in files
    ]


def take(row: Batch, told: Told = lambda done, total: None) -> dict[str, int]:
    """Take in what is still waiting; may be interrupted and called again. Returns the counts."""
    Batch.objects.filter(pk=row.pk).update(state=Batch.State.ON)
    total = row.files.count()
    done = row.files.exclude(state=State.WAITING).count()
    waiting = list(row.files.filter(state=State.WAITING).order_by("pk"))
    if waiting:
        with Contents(Path(row.source)) as contents:
            how = _How(row, contents, all_mappings())
            groups = list(_grouped(how, waiting))
            total = row.files.count()
            for device, files in groups:
                for first in range(0, len(files), MOST_IN_RUN):
                    piece = files[first : first + MOST_IN_RUN]
                    _take_of_device(how, device, piece)
                    done += len(piece)
                    told(done, total)
    Batch.objects.filter(pk=row.pk).update(state=Batch.State.DONE, done_at=timezone.now())
    source = Path(row.source)
    if source.parent == Path(settings.MPPCQA_HOME) / "batches":
        source.unlink(missing_ok=True)  # an upload: what was taken in lies in the store
    row.refresh_from_db()
    return row.counts()


def _named(row: Batch, name: str) -> Named | None:
    text = row.asked["pattern"]
    return NamePattern.of(text, axes()).read(name) if text else None


@dataclass(frozen=True)
class _How:
    """A batch that is being taken in: what was asked, its files, the mappings that there are."""

    row: Batch
    contents: Contents
    mappings: list[FileMapping]


def _grouped(how: _How, files: list[BatchFile]) -> Iterable[tuple[Device, list[BatchFile]]]:
    """Files by device; those of none are refused with their reason."""
    known = _devices_by_name(how.row, files)
    groups: dict[int, list[BatchFile]] = defaultdict(list)
    devices: dict[int, Device] = {}
    for one in files:
        device = known.get(one.pk)
        there, why = ([device], "") if device is not None else _devices_by_header(how, one)
        if not there:
            _end(one, State.REFUSED, [why])
            continue
        for part, mine in _parts(one, there) if len(there) > 1 else [(one, there[0])]:
            devices[mine.pk] = mine
            groups[mine.pk].append(part)
    for pk, members in groups.items():
        yield devices[pk], members


def _parts(one: BatchFile, there: list[Device]) -> list[tuple[BatchFile, Device]]:
    """A row of a file for each device that it holds; the first keeps the one that there is."""
    with transaction.atomic():
        one.part = there[0].serial
        one.save(update_fields=["part"])
        more = [
            BatchFile(batch_id=one.batch_id, name=one.name, size=one.size, part=device.serial)
            for device in there[1:]
        ]
        BatchFile.objects.bulk_create(more, batch_size=PIECE)
    return list(zip([one, *more], there, strict=True))


def _devices_by_name(row: Batch, files: list[BatchFile]) -> dict[int, Device]:
    """The device that a file's path names: by the pattern, else the longest serial number in it."""
    wanted: dict[int, list[str]] = {}
    for one in files:
        named = _named(row, one.name)
        if one.part:
            wanted[one.pk] = [one.part]
        elif row.asked["pattern"]:
            wanted[one.pk] = [named.serial] if named and named.serial else []
        else:
            parts = one.name.split("/")
            words = {text for part in parts for text in serials_in(part)}
            wanted[one.pk] = sorted(words, key=len, reverse=True)
    found = _devices({text for texts in wanted.values() for text in texts}, row.asked_by)
    return {
        pk: next(found[text] for text in texts if text in found)
        for pk, texts in wanted.items()
        if any(text in found for text in texts)
    }


def _devices(serials: set[str], viewer: Viewer) -> dict[str, Device]:
    """Devices that `viewer` sees, by present and former serial numbers."""
    found: dict[str, Device] = {}
    names = sorted(serials)
    for first in range(0, len(names), PIECE):
        some = names[first : first + PIECE]
        rows = Device.objects.visible_to(viewer).select_related("device_type")
        found |= {one.serial: one for one in rows.filter(serial__in=some)}
        former = SerialAlias.objects.visible_to(viewer).filter(serial__in=some)
        for alias in former.select_related("device__device_type"):
            found.setdefault(alias.serial, alias.device)
    return found


def _devices_by_header(how: _How, one: BatchFile) -> tuple[list[Device], str]:
    """The devices that a file itself names, all of them registered; else why there is none."""
    row = how.row
    named = _named(row, one.name)
    if row.asked["pattern"] and named is None:
        return [], _("its name is not of the pattern %s") % row.asked["pattern"]
    if named is not None and named.serial:
        return [], _("%s is not registered; register it first") % named.serial
    try:
        with how.contents.opened(one.name) as path:
            parts = look_at(path, _mapping(how, one, path))
    except (TableError, BatchRefused, OSError) as error:
        return [], str(error)
    serials = {part.serial.strip().upper() for part in parts} - {""}
    found = _devices(serials, row.asked_by)
    if serials and serials <= found.keys():
        return list({found[serial].pk: found[serial] for serial in sorted(serials)}.values()), ""
    if not serials and row.asked["device"]:
        mine = _devices({row.asked["device"]}, row.asked_by)
        why = _("%s is not registered; register it first") % row.asked["device"]
        return list(mine.values())[:1], why
    if serials:
        listed = ", ".join(sorted(serials - found.keys())[:5])
        return [], _("%s is not registered; register it first") % listed
    return [], _("neither its name nor its header says which device it is of")


def _mapping(how: _How, one: BatchFile, path: Path) -> FileMapping:
    """How a file is read, with the conditions that its name says by the pattern."""
    chosen: FileMapping
    if how.row.asked["mapping"]:
        chosen = find_mapping(how.row.asked["mapping"])
    else:
        found = propose(path, how.mappings)
        if not found.certain or found.mapping is None:
            listed = "; ".join(str(doubt) for doubt in found.doubts)
            raise TableError(_("it is not certain how to read it: %s") % listed)
        chosen = found.mapping
    named = _named(how.row, one.name)
    if named is None:
        return chosen
    said = {name: Given(value=value) for name, value in named.conditions}
    return replace(
        chosen, conditions={**chosen.conditions, **said}, axes={**more_axes(said), **chosen.axes}
    )


def _take_of_device(how: _How, device: Device, files: list[BatchFile]) -> None:
    """Files of one device: a run for each kind of data in them."""
    read: list[tuple[BatchFile, Checked, Any]] = []
    seen: dict[str, str] = {}
    for one in files:
        checked, why = _checked(how, device, one)
        if checked is None:
            _end(one, State.REFUSED, why)
            continue
        one.sha256 = checked.sha256
        if checked.sha256 in seen:
            _end(one, State.TWICE, [_("the same content as %s") % seen[checked.sha256]])
            continue
        seen[checked.sha256] = one.name
        read.append((one, checked, _kind(checked)))
        checked.parts = []  # as few arrays as possible stay in memory
    ask_what_is_known([checked for _one, checked, _what in read], device, how.row.asked_by)
    good: dict[Any, list[tuple[BatchFile, Checked]]] = defaultdict(list)
    for one, checked, kind in read:
        try:
            refuse([checked], how.row.asked["allow"])
        except ForeignRefused as error:
            state = State.TWICE if error.asked == ["twice"] else State.REFUSED
            _end(one, state, error.faults, device)
            continue
        good[kind].append((one, checked))
    for members in good.values():
        _take_run(how, device, members)


def _checked(how: _How, device: Device, one: BatchFile) -> tuple[Checked | None, list[str]]:
    named = _named(how.row, one.name)
    given = how.row.asked["given"]
    try:
        with how.contents.opened(one.name) as path:
            mapping = _mapping(how, one, path)
            channel = named.channel if named is not None else None
            checked = read_file(path, path.name, mapping, device, given, channel)
    except (TableError, BatchRefused, OSError) as error:
        return None, [str(error)]
    return (checked, []) if not checked.faults else (None, checked.faults)


def _kind(checked: Checked) -> Any:
    """What files must share to be one run: stage, kind of data, shape of waveforms, polarity."""
    stage = stage_of(checked.mapping).key
    waves = next((part for part in checked.parts if part.waveforms is not None), None)
    if waves is None or waves.waveforms is None:
        scan = next((part.staircase for part in checked.parts if part.staircase), None)
        return (stage, checked.parts[0].kind, "" if scan is None else scan.unit)
    return (stage, waves.waveforms.shape[1], waves.sample_s, waves.signal_sign)


def _take_run(how: _How, device: Device, members: list[tuple[BatchFile, Checked]]) -> None:
    """One run, and what became of its files, in one transaction."""
    row = how.row
    with ExitStack() as stack:  # of an archive they are unpacked again, a run's at a time
        for one, checked in members:
            checked.path = stack.enter_context(how.contents.opened(one.name))
        with transaction.atomic():
            checked_ = [checked for _one, checked in members]
            run = take_in(checked_, device, given=row.asked["given"], channel=None, by=row.asked_by)
            files = [one for one, _checked in members]
            BatchFile.objects.bulk_update(files, ["sha256"], PIECE)
            pks = [one.pk for one in files]
            BatchFile.objects.filter(pk__in=pks).update(state=State.TAKEN, device=device, run=run)


def _end(one: BatchFile, state: str, why: Sequence[str], device: Device | None = None) -> None:
    one.state, one.why, one.device = state, [text[:500] for text in why[:10]], device
    one.save(update_fields=["state", "why", "device", "sha256"])
