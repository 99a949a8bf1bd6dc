"""From an uploaded table to devices or values: take in, check all of it, import when asked to."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.disk import measure_file, whole_file
from mppcqa.exchange.device_table import read_devices
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import (
    MEASURED,
    ColumnMapping,
    mapping_faults,
    suggest,
    unused_columns,
)
from mppcqa.exchange.models import Import, Kind, SavedMapping
from mppcqa.exchange.spool import Spool
from mppcqa.exchange.value_table import ValueTable
from mppcqa.exchange.values_in import ImportEnded, refuse_standing, store_values, take_back
from mppcqa.inventory.device_writing import Ready, make_ready, write_ready
from mppcqa.inventory.models import DeviceType
from mppcqa.inventory.moving import MoveRefused
from mppcqa.inventory.serials import SERIAL_LENGTH, normal_serial
from mppcqa.queue.actions import submit
from mppcqa.refused import Refused
from mppcqa.stages import Stage, get_stage
from mppcqa.tables import Fault, Reading, Source, TableError, is_known, open_source

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet

    from mppcqa.queue.models import Task

MAX_BYTES = 4 << 30
INLINE_BYTES = 512 * 1024
"""Files up to this size are dealt with while the page is awaited, larger ones by the queue."""
State = Import.State
Told = Callable[[int], None]


class ImportRefused(Refused):
    """Nothing was imported; the message says why and what to do."""


def take_in(
    pieces: Iterable[bytes],
    name: str,
    *,
    kind: str,
    stage: str = "",
    box: str = "",
    by: AbstractBaseUser | None = None,
) -> Import:
    """Keep a file, read its first rows and suggest what its columns mean.

    A sheet of devices that lay in a `box` is found by the box's code, see `boxed`.

    Raises `TableError` for what is no table; then nothing is kept.
    """
    row = Import.objects.create(
        kind=kind,
        stage=stage,
        box=normal_serial(box)[:SERIAL_LENGTH] if kind == Kind.DEVICES else "",
        original_name=name[-200:],
        asked_by_id=None if by is None else by.pk,
    )
    try:
        with whole_file(row.path) as part:
            with part.open("wb") as file:
                for piece in pieces:
                    row.size += len(piece)
                    if row.size > MAX_BYTES:
                        raise TableError(
                            _("The file has more than %d MB. Split it.") % (MAX_BYTES >> 20)
                        )
                    file.write(piece)
            row.sha256 = measure_file(part).sha256
        source = open_source(row.path)
        if kind == Kind.DEVICES and source.used.has_head and not _names_a_column(source):
            row.reading = {"has_head": False}
            source = source_of(row)
        row.mapping = suggest_again(row).to_json()
        row.found = {"notes": source.notes}
        row.save()
    except TableError:
        remove(row)
        raise
    return row


def boxed(code: str, among: QuerySet[Import]) -> list[Import]:
    """Sheets of the box that says `code`, the newest first."""
    return list(among.filter(kind=Kind.DEVICES, box=normal_serial(code)).exclude(box="")[:20])


def _names_a_column(source: Source) -> bool:
    """Whether the first line has a head that is known; a list of serials has none."""
    return any(is_known(column) for column in source.columns)


def remove(row: Import) -> None:
    """Forget an import that is not done, with its file and whatever it has written."""
    with only_one(row):
        take_back(row)
    shutil.rmtree(row.folder, ignore_errors=True)
    row.delete()


def stage_of(row: Import) -> Stage | None:
    """The stage that its values belong to, if it is known here."""
    with suppress(KeyError):
        return get_stage(row.stage) if row.stage else None
    return None


def source_of(row: Import) -> Source:
    """The table, read the way that was chosen."""
    return open_source(row.path, Reading.from_json(row.reading))


def set_mapping(row: Import, mapping: ColumnMapping) -> list[str]:
    """Use a mapping; returns what is wrong with it as a whole."""
    row.mapping, row.stage = mapping.to_json(), mapping.stage
    row.state, row.faults = State.NEW, 0
    row.save()
    return mapping_faults(mapping, source_of(row).columns, stage_of(row))


def suggest_again(row: Import) -> ColumnMapping:
    """What the columns seem to mean after the way of reading was changed."""
    found = suggest(source_of(row).columns, row.kind, stage_of(row))  # type: ignore[arg-type]
    if row.kind == Kind.DEVICES and "device_type" not in {t.to for t in found.columns.values()}:
        types = DeviceType.objects.values_list("name", flat=True)[:2]
        if len(types) == 1:
            # The only one there is can't be wrong.
            found = replace(found, fill={**found.fill, "device_type": types[0]})
    return found


def save_mapping(row: Import, name: str, *, by: AbstractBaseUser | None = None) -> SavedMapping:
    """Keep the mapping under a name, in place of one of that name and kind.

    When it was measured is of the one table alone.
    """
    fill = {key: text for key, text in row.mapping.get("fill", {}).items() if key != MEASURED}
    saved, _made = SavedMapping.objects.update_or_create(
        name=name,
        defaults={
            "kind": row.kind,
            "content": {**row.mapping, "fill": fill, "reading": row.reading},
            "made_by_id": None if by is None else by.pk,
            "made_at": timezone.now(),
        },
    )
    return saved


def use_saved(row: Import, saved: SavedMapping) -> None:
    """Take over a saved mapping; columns that it does not know keep their suggestion."""
    if saved.kind != row.kind:
        raise ImportRefused(_("“%s” is a mapping for another kind of table.") % saved)
    content = dict(saved.content)
    row.reading = content.pop("reading", {})
    source = source_of(row)
    row.stage = content.get("stage", "") or row.stage
    content["columns"] = {
        **suggest(source.columns, row.kind, stage_of(row)).to_json()["columns"],  # type: ignore[arg-type]
        **{h: t for h, t in content["columns"].items() if h in {c.head for c in source.columns}},
    }
    row.mapping = content
    row.save()


def ask_check(row: Import, *, by: AbstractBaseUser | None = None) -> Task | None:
    """Check a file: at once if it is small, else as a task, which is returned."""
    if row.size <= INLINE_BYTES:
        check(row)
        return None
    with transaction.atomic():
        row.task = submit("exchange.check", {"import_id": row.pk}, by=by, about=row)
        row.state = State.CHECKING
        row.save(update_fields=["task", "state"])
    return row.task


def ask_import(row: Import, *, by: AbstractBaseUser | None = None) -> Task | None:
    """Import a file that was checked; raises `ImportRefused` if it may not be."""
    _refuse_unready(row)
    if row.size <= INLINE_BYTES:
        apply(row, by=by)
        return None
    with transaction.atomic():
        row.task = submit("exchange.import", {"import_id": row.pk}, by=by, about=row)
        row.state = State.IMPORTING
        row.save(update_fields=["task", "state"])
    return row.task


def _refuse_unready(row: Import) -> None:
    if row.state == State.DONE:
        raise ImportRefused(_("This file was imported already."))
    if row.state not in (State.CHECKED, State.IMPORTING, State.FAILED):
        raise ImportRefused(_("Check the file first."))
    if row.faults and not row.leave_out:
        raise ImportRefused(
            _("Nothing was imported: mend the faults, or ask to leave out the rows with faults.")
        )
    if row.found.get("broken"):
        raise ImportRefused(_("Nothing was imported: the table could not be read to its end."))
    if row.kind == Kind.VALUES and not Spool(row.spool_path).is_whole(row.found.get("spool", "")):
        raise ImportRefused(_("What was checked is no longer there. Check the file again."))


def _refuse_changed(row: Import) -> None:
    """The table on the disk must be the one that was uploaded; raises `TableError`."""
    if not row.path.is_file() or measure_file(row.path).sha256 != row.sha256:
        raise TableError(
            _("The table on this server's disk is not the one that was uploaded. Upload it again.")
        )


def check(row: Import, told: Told = lambda rows: None) -> None:
    """Go through all of the file and write down every fault; nothing else is written."""
    with only_one(row):
        take_back(row)
    mapping = ColumnMapping.from_json(row.mapping)
    found: dict[str, Any] = {"counts": {}, "notes": []}
    with FaultBook(row.faults_path) as book:
        try:
            _refuse_changed(row)
            source = source_of(row)
            found["notes"] = source.notes + unused_columns(mapping, source.columns)
            whole = mapping_faults(mapping, source.columns, stage_of(row))
            book.extend(Fault(None, "", text) for text in whole)
            if whole:
                found["broken"] = True
            else:
                found |= _read(row, source, mapping, book, told)
                # Footers were found on the way.
                found["notes"] = source.notes + unused_columns(mapping, source.columns)
                found["notes"] += found.pop("told", [])
                if not found["counts"]["rows"] and not book.count:
                    book.add(
                        Fault(
                            None,
                            "",
                            _("The table has names of columns, but no rows."),
                            _("Fill it, or choose another file or sheet."),
                        )
                    )
        except TableError as error:
            book.add(Fault(None, "", str(error)))
            found["broken"] = True
    found["faults"] = book.as_json()
    row.found, row.faults, row.state = found, book.count, State.CHECKED
    row.save()


def _read(
    row: Import, source: Source, mapping: ColumnMapping, book: FaultBook, told: Told
) -> dict[str, Any]:
    """Counts, and of values what their spool is known by."""
    if row.kind == Kind.DEVICES:
        warnings: list[str] = []
        counts = read_devices(
            source,
            mapping,
            book,
            existing=row.existing,  # type: ignore[arg-type]
            by=row.asked_by,
            told=told,
            warned=warnings.append,
        )
        return {"counts": counts, "warnings": warnings}
    stage = get_stage(row.stage)
    with Spool(row.spool_path) as spool:
        table = ValueTable(source, mapping, stage, book, spool, row.asked_by)
        counts = table.read(told)
    known_by = spool.finish([quantity.key for quantity in stage.quantities], table.conditions)
    devices, _n = spool.devices()
    counts["devices"] = len(devices)
    counts["standing"] = refuse_standing(row, stage, devices, book)
    return {"counts": counts, "spool": known_by, "told": table.cells.notes()}


def apply(
    row: Import,
    *,
    by: AbstractBaseUser | None = None,
    told: Told = lambda rows: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Import what was checked: all of it, or nothing.

    `told` and `alive` may raise to stop it. What was written by then does not count; it is taken
    back at once, or by `give_up` if the process has to end first.
    """
    with only_one(row):
        row.refresh_from_db(fields=["state", "found", "run"])
        _refuse_unready(row)
        try:
            _refuse_changed(row)
        except TableError as error:
            raise ImportRefused(str(error)) from error
        if row.kind == Kind.DEVICES:
            _register(row, by)
            return
        row.state = State.IMPORTING
        row.save(update_fields=["state"])
        try:
            store_values(row, get_stage(row.stage), by=by, told=told, alive=alive)
        except (Exception, KeyboardInterrupt) as error:
            with suppress(DatabaseError):
                row.refresh_from_db(fields=["state", "found", "run"])
                _fail(row)
                take_back(row)
            if isinstance(error, ImportEnded):
                raise ImportRefused(str(error)) from error
            raise
        Spool(row.spool_path).remove()


@contextmanager
def only_one(row: Import) -> Iterator[None]:
    """Only one process deals with an import at a time; raises `ImportRefused` for a second.

    The system lifts the lock when the process ends, however that comes.
    """
    row.folder.mkdir(parents=True, exist_ok=True)
    with (row.folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ImportRefused(
                _("Another process is at work on this table; wait until it has ended.")
            ) from None
        yield


def _fail(row: Import) -> bool:
    """Mark an import that was under way as failed; False if it was not."""
    rows = Import.objects.filter(pk=row.pk, state=State.IMPORTING)
    if not rows.update(state=State.FAILED):
        return False
    row.state = State.FAILED
    return True


def give_up(row: Import) -> int:
    """End an import whose process or task is gone; returns how many values were taken back.

    Raises `ImportRefused` where a process is still at work on it.
    """
    with only_one(row):
        row.refresh_from_db()
        if row.task is not None and row.task.is_open and row.task.name == "exchange.import":
            return 0
        _fail(row)
        return take_back(row) if row.state == State.FAILED else 0


def give_up_stray() -> int:
    """`give_up` for all imports that a process has left behind; returns how many that were."""
    done = 0
    left = Q(state=State.IMPORTING) | Q(state=State.FAILED, found__has_key="analysis")
    for row in Import.objects.filter(left).select_related("task"):
        # One whose process is still at work is none of them.
        with suppress(ImportRefused):
            former = (row.state, row.found.get("analysis"))
            give_up(row)
            done += (row.state, row.found.get("analysis")) != former
    return done


def _done(row: Import) -> None:
    row.state, row.done_at = State.DONE, timezone.now()
    row.save()


def _register(row: Import, by: AbstractBaseUser | None) -> None:
    """Read all of the table, then write it in one moment: on SQLite that keeps others waiting."""
    changed = _("Nothing was imported: devices were registered since the check. Check again.")
    again = row.folder / "faults-again.csv"
    with TemporaryFile("w+", encoding="utf-8", dir=row.folder) as waiting:
        with FaultBook(again) as book:
            counts = read_devices(
                source_of(row),
                ColumnMapping.from_json(row.mapping),
                book,
                existing=row.existing,  # type: ignore[arg-type]
                by=by,
                planned=lambda plan: print(make_ready(plan).to_line(), file=waiting),
            )
        if book.count > row.faults:
            raise ImportRefused(changed)
        waiting.seek(0)
        try:
            with transaction.atomic():
                write_ready(map(Ready.from_line, waiting), by=by)
                row.found["done"] = counts
                _done(row)
        except IntegrityError as error:
            raise ImportRefused(changed) from error
        except MoveRefused as error:
            text = _("Nothing was imported: devices were moved since the check. Check again. %s")
            raise ImportRefused(text % error.faults[0]) from error
