"""All of the store against all rows: what is missing, damaged, or belongs to nothing.

What is mended without being asked twice is safe: a file takes the place of a damaged one only with
the very bytes that were stored, and nothing that may be wanted is deleted, but set aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage, default_storage
from django.db import models
from django.utils import timezone

from mppcqa.disk import PART, clear_left_over, left_over, measure, measure_file, whole_file
from mppcqa.exchange.models import Export, Import
from mppcqa.exchange.rotation import backups_of, default_folder
from mppcqa.home import close_to_others, open_to_others
from mppcqa.queue.models import OPEN_STATES
from mppcqa.results.seals import check_values, seal_old, unsealed
from mppcqa.runs.models import Run
from mppcqa.store.keeping import discard, keeping
from mppcqa.store.models import StoredFault
from mppcqa.store.reading import FileFault, verify

YOUNG_S = 3600.0
"""A file without a row may be on its way: its row may wait for the end of a long transaction."""
Told = Callable[[int, int, str], None]


@dataclass
class Finding:
    """One thing that is not as it should be."""

    kind: str
    """``missing``, ``damaged``, ``unmeasured``, ``orphan``, ``unfinished``, ``waiting``,
    ``rights``, ``values``, ``unsealed``."""
    name: str
    """In the store, or below the home folder."""
    text: str
    row: str = ""
    """``app.model number`` of the row that names it."""
    repaired: str = ""
    """What was done about it; empty where nothing was."""


@dataclass
class Report:
    """What a check has found."""

    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def left(self) -> list[Finding]:
        """What was not repaired."""
        return [one for one in self.findings if not one.repaired]


def stored_models() -> list[type[models.Model]]:
    """Every model whose rows name stored files, in `file`, with their checksums in `sha256`."""
    return [
        model
        for model in apps.get_models()
        if any(isinstance(one, models.FileField) for one in model._meta.concrete_fields)
    ]


def check_store(*, repair: bool = False, told: Told = lambda done, total, text: None) -> Report:
    """Read every stored file, and look for what belongs to nothing."""
    report, started = Report(), time.monotonic()
    # Names first: a file that is stored meanwhile is then in neither list.
    names = {storage: set(_names(storage)) for storage in _storages()}
    _check_rows(report, repair, told)
    for storage, there in names.items():
        _check_orphans(report, repair, storage, there)
    for finding in (*_imports(repair), *_run_folders(repair), *_values(repair, told)):
        report.findings.append(finding)
    _check_unfinished(report, repair)
    StoredFault.objects.exclude(name__in=_named(default_storage)).delete()
    _check_rights(report, repair)
    report.seconds = time.monotonic() - started
    return report


def _storages() -> list[Storage]:
    found = []
    for model in stored_models():
        storage = model._meta.get_field("file").storage  # type: ignore[union-attr]
        if storage not in found:
            found.append(storage)
    return found


def _names(storage: Storage, folder: str = "") -> Iterator[str]:
    """Every finished file of a store."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        if not name.endswith(PART):
            yield f"{folder}/{name}".lstrip("/")
    for name in folders:
        yield from _names(storage, f"{folder}/{name}".lstrip("/"))


def _named(storage: Storage) -> set[str]:
    """Every file of a store that a row names."""
    found: set[str] = set()
    for model in stored_models():
        if model._meta.get_field("file").storage == storage:  # type: ignore[union-attr]
            found.update(model._default_manager.order_by().values_list("file", flat=True))
    return found


def _check_rows(report: Report, repair: bool, told: Told) -> None:
    rows = [(m, m._default_manager.exclude(file="").order_by("pk")) for m in stored_models()]
    total = sum(found.count() for _model, found in rows)
    for model, found in rows:
        row: Any
        for row in found.iterator():
            told(report.files, total, row.file.name)
            report.files += 1
            finding = _check_row(row, repair)
            if finding is not None and model._default_manager.filter(pk=row.pk).exists():
                report.findings.append(finding)
            if finding is None or finding.kind != "missing":
                report.bytes += row.file.storage.size(row.file.name)


def _check_row(row: Any, repair: bool) -> Finding | None:
    label = f"{row._meta.label_lower} {row.pk}"
    name = row.file.name
    try:
        verify(row)
    except FileFault as fault:
        finding = Finding(str(fault.what), name, str(fault), label)
        if repair:
            finding.repaired = _mend(row)
        return finding
    if row.sha256:
        return None
    finding = Finding("unmeasured", name, f"{row} has no checksum yet", label)
    if repair:
        with row.file.storage.open(name, "rb") as file:
            row.sha256 = measure(file).sha256
        row.save(update_fields=["sha256"])
        finding.repaired = "measured as it lies there now"
    return finding


def _mend(row: Any) -> str:
    """Put the bytes that were stored in place of what there is; how, or nothing."""
    if isinstance(row, Export):
        row.delete()
        discard(row.file.name, row.file.storage)
        return "the export was removed, it can be asked for again"
    if not row.sha256:
        return ""
    for path, whose in _copies(row):
        try:
            measured = measure_file(path)
        except OSError:
            continue
        if measured.sha256 != row.sha256:
            continue
        former = row.file.name
        folder = former.partition("/")[0]
        with (
            path.open("rb") as source,
            keeping(source, folder, Path(former).suffix, measured=measured) as kept,
        ):
            row.file = kept.name
            row.save(update_fields=["file"])
        if default_storage.exists(former):
            _set_aside(default_storage, former)
        StoredFault.objects.filter(name=former).delete()
        return f"brought back from {whose}"
    return ""


def _copies(row: Any) -> Iterator[tuple[Path, str]]:
    """Files that may have the bytes of a row's: in backups, and where they came from."""
    for backup in reversed(backups_of(default_folder())):
        path = backup / "files" / row.file.name
        if path.is_file():
            yield path, f"the backup {backup.name}"
        else:
            # It may have been kept under another name then.
            for other in backup.glob(f"files/*/{row.sha256[:2]}/{row.sha256}*"):
                yield other, f"the backup {backup.name}"
    if getattr(row, "run_id", None):
        for path in _home().glob(f"runs/{row.run_id}/**/*.root"):
            yield path, "the folder of the run"
    for path in Path(settings.MEDIA_ROOT).glob(f"*/{row.sha256[:2]}/{row.sha256}*"):
        yield path, "another file of the store"


def _check_orphans(report: Report, repair: bool, storage: Storage, there: set[str]) -> None:
    for name in sorted(there - _named(storage)):
        try:
            age = (timezone.now() - storage.get_modified_time(name)).total_seconds()
        except FileNotFoundError:
            continue
        if age < YOUNG_S:
            continue
        finding = Finding("orphan", name, f"no row names {name}")
        report.findings.append(finding)
        if repair and name not in _named(storage):
            finding.repaired = f"set aside as {_set_aside(storage, name)}"


def _set_aside(storage: Storage, name: str) -> Path:
    """Take a file out of the store; a person may look at it, and remove it."""
    target = _home() / "set-aside" / name
    with storage.open(name, "rb") as source, whole_file(target) as part, part.open("wb") as copy:
        while piece := source.read(1 << 20):
            copy.write(piece)
    storage.delete(name)
    return target


def _values(repair: bool, told: Told) -> Iterator[Finding]:
    """Measured values that are not those that were written."""
    told(0, 0, "values")
    for number, text in check_values():
        row = f"results.Analysis {number}"
        yield Finding("values", f"values of analysis {number}", text, row)
    if old := unsealed():
        done = f"now sealed as they are: {seal_old()}" if repair else ""
        text = f"{len(old)} analyses of an older version have no hash of their values"
        yield Finding("unsealed", "values", text, repaired=done)


def _imports(repair: bool) -> Iterator[Finding]:
    """Tables that were uploaded: not in the store before they are imported."""
    folder = _home() / "imports"
    rows = {row.folder.name: row for row in Import.objects.all()}
    for row in rows.values():
        label, name = f"exchange.import {row.pk}", f"imports/{row.folder.name}/table"
        again = "remove this import, and upload the table again"
        if row.path.is_file():
            if row.sha256 and measure_file(row.path).sha256 != row.sha256:
                yield Finding("damaged", name, f"{row} is damaged: {again}", label)
        elif row.state != Import.State.DONE:
            yield Finding("missing", name, f"{row} is not there: {again}", label)
    for path in sorted(folder.glob("[0-9]*")):
        if path.name not in rows and _is_old(path):
            finding = Finding("orphan", f"imports/{path.name}", "of an import that there is not")
            if repair:
                finding.repaired = _move_aside(path)
            yield finding


def _run_folders(repair: bool) -> Iterator[Finding]:
    """Files of runs that wait to be taken into the store."""
    busy = set(
        Run.objects.filter(task_group__tasks__state__in=OPEN_STATES).values_list("pk", flat=True)
    )
    for folder in sorted((_home() / "runs").glob("[0-9]*")):
        number = int(folder.name)
        if number in busy or not _is_old(folder):
            continue
        if not Run.objects.filter(pk=number).exists():
            finding = Finding("orphan", f"runs/{folder.name}", "of a run that there is not")
            if repair:
                finding.repaired = _move_aside(folder)
            yield finding
            continue
        for path in sorted(folder.rglob("*.root")):
            text = f"a file of run {number} was not taken into the store: repeat its check"
            yield Finding("waiting", str(path.relative_to(_home())), text)


def _check_unfinished(report: Report, repair: bool) -> None:
    for folder in {_home(), default_folder()}:
        report.findings += [
            Finding(
                "unfinished",
                str(path),
                "left by a process that was killed while it wrote; nothing names it",
                repaired="removed" if repair else "",
            )
            for path in sorted(left_over(folder, deep=True))
        ]
        if repair:
            clear_left_over(folder, deep=True)


def _check_rights(report: Report, repair: bool) -> None:
    found = list(open_to_others(_home()))
    if not found:
        return
    text = f"{len(found)} files and folders are open to other users of this computer"
    finding = Finding("rights", str(found[0]), text)
    if repair:
        close_to_others(*found)
        finding.repaired = "closed"
    report.findings.append(finding)


def _move_aside(path: Path) -> str:
    target = _home() / "set-aside" / path.relative_to(_home())
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target.with_name(f"{target.name}-{int(time.time())}"))
    return f"set aside below {target.parent}"


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > YOUNG_S


def _home() -> Path:
    return Path(settings.MPPCQA_HOME)
