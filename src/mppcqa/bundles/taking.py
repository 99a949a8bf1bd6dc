"""A bundle that came: checked, shown, and taken in by one transaction, all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.bundles.envelope import Opened, opened
from mppcqa.bundles.merge import Merge
from mppcqa.bundles.merge_devices import Devices
from mppcqa.bundles.merge_results import Results
from mppcqa.bundles.merge_shipments import Shipments
from mppcqa.bundles.merge_verdicts import take_verdicts
from mppcqa.bundles.models import Bundle
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.schema import check_document, check_references
from mppcqa.bundles.signatures import take_signatures
from mppcqa.database.retry import again_after_deadlock
from mppcqa.disk import Measured, measure_file, scratch_file
from mppcqa.inventory.models import Shipment
from mppcqa.store.keeping import Kept, keeping
from mppcqa.store.reading import whole_path

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

FOLDER = "bundles"
RUNS = "runs"
DOCUMENTS = ("inventory", "results", "verdicts")
VALUES = "values.parquet"
State, Way = Bundle.State, Bundle.Way
Alive = Callable[[], None]


class _RolledBack(Exception):
    """What was only looked at."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A file beside what is kept, gone after the block."""
    with scratch_file(Path(settings.MPPCQA_HOME) / FOLDER) as part:
        yield part


def arrive(source: IO[bytes], *, by: AbstractBaseUser | None = None) -> Bundle:
    """Keep a bundle whose signature and contents are right; nothing else is changed.

    Raises `BundleRefused`, and keeps nothing, for one that is cut, altered, of an unknown sender,
    of a revoked key, or of a newer version. One that is here already is given back.
    """
    with scratch() as part:
        with part.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        with opened(part) as found:
            facts, key = found.manifest, found.key
        measured = measure_file(part)
        former = Bundle.objects.filter(way=Way.IN, uuid=UUID(facts["bundle"])).first()
        if former is not None:
            if former.sha256 != measured.sha256:
                raise BundleRefused(
                    _(
                        "Another bundle with the same name (number %(number)d of %(from)s) came in "
                        "before. Ask the sender which of them is the right one."
                    )
                    % {"number": former.number, "from": former.sender}
                )
            return former
        with part.open("rb") as whole, keeping(whole, FOLDER, ".zip", measured=measured) as kept:
            try:
                return Bundle.objects.create(
                    way=Way.IN,
                    state=State.CHECKED,
                    uuid=UUID(facts["bundle"]),
                    number=facts["number"],
                    sender=key.installation,
                    file=kept.name,
                    sha256=kept.sha256,
                    size=kept.size,
                    found={"told": facts["counts"], "made_at": facts["made_at"]},
                    asked_by_id=None if by is None else by.pk,
                )
            except IntegrityError:
                raise BundleRefused(
                    _("The same bundle is being uploaded by somebody else just now.")
                ) from None


def look(row: Bundle) -> dict[str, Any]:
    """What taking a bundle in would do: done, and rolled back. Kept with the bundle."""
    with whole_path(row) as path, opened(path) as found:
        try:
            with transaction.atomic():
                merge = _merge(row, found, dry=True)
                _take(merge, found, _as_if_kept(found))
                raise _RolledBack
        except _RolledBack:
            told = merge.said.as_json() | {"late": merge.late}
    row.found = {**row.found, "preview": told}
    Bundle.objects.filter(pk=row.pk).update(found=row.found)
    return told


def take(
    row: Bundle, *, by: AbstractBaseUser | None = None, alive: Alive = lambda: None
) -> dict[str, Any]:
    """Take in what was kept by `arrive`; returns what became of it.

    One that was taken in before is refused, which changes nothing, unless something of it was not
    known here then (a stage, a quantity).
    """
    if row.way != Way.IN:
        raise BundleRefused(_("This bundle went out from here; it is for the partner."))
    refuse_known(row)
    with whole_path(row) as path, opened(path) as found, ExitStack() as files:
        kept = _keep_files(found, files, alive)
        told = _take_all(row, found, kept, by, alive)
        # The store's files are named by rows now, or are not needed.
        files.pop_all()
    _forget_unused(kept)
    row.refresh_from_db()
    return told


def refuse_known(row: Bundle) -> None:
    """Raise `BundleRefused` for one that was taken in, and has nothing more to give."""
    counts = row.found.get("done", {}).get("counts", {})
    if row.state == State.TAKEN and not any("unknown" in one for one in counts.values()):
        raise BundleRefused(
            _("This bundle was taken in on %(day)s (number %(number)d of %(from)s); nothing to do.")
            % {"day": f"{row.done_at:%Y-%m-%d}", "number": row.number, "from": row.sender}
        )


@again_after_deadlock
def _take_all(
    row: Bundle, found: Opened, kept: Mapping[str, Kept], by: Any, alive: Alive
) -> dict[str, Any]:
    with transaction.atomic():
        locked = Bundle.objects.select_for_update().get(pk=row.pk)
        refuse_known(locked)
        merge = _merge(locked, found, by=by, alive=alive)
        _take(merge, found, kept)
        told = merge.said.as_json() | {"late": merge.late}
        locked.state, locked.done_at = State.TAKEN, timezone.now()
        locked.found = {**locked.found, "done": told}
        locked.shipment = Shipment.objects.filter(uuid=UUID(found.manifest["shipment"])).first()
        locked.save()
    return told


def _merge(row: Bundle, found: Opened, **more: Any) -> Merge:
    needed = {VALUES, *(f"{name}.json" for name in DOCUMENTS)}
    if missing := sorted(needed - found.names):
        raise BundleRefused(_("The bundle has no %s. Tell the sender.") % ", ".join(missing))
    documents = {name: found.document(f"{name}.json") for name in DOCUMENTS}
    for name, document in documents.items():
        check_document(name, document)
    check_references(**documents)
    taken = Bundle.objects.filter(way=Way.IN, sender=row.sender, state=State.TAKEN)
    late = taken.exclude(pk=row.pk).filter(number__gte=row.number).exists()
    return Merge(
        bundle=row,
        installations=found.manifest["installations"],
        late=late,
        **{"dry": False, **more},
        **documents,
    )


def _take(merge: Merge, found: Opened, kept: Mapping[str, Kept]) -> None:
    Devices(merge).take()
    Shipments(merge).take()
    results = Results(merge, kept)
    with scratch() as part:
        # Read from both ends, which an entry of an archive does slowly.
        with found.archive.open(VALUES) as entry, part.open("wb") as file:
            shutil.copyfileobj(entry, file, 1 << 20)
        with part.open("rb") as values:
            results.take(values)
    take_verdicts(merge, results.analyses)
    take_signatures(merge)


def _keep_files(found: Opened, files: ExitStack, alive: Alive) -> dict[str, Kept]:
    """The run files of a bundle in our store, gone again if the rest fails."""
    kept = {}
    for one in found.manifest["contents"]:
        folder, _sign, name = one["name"].partition("/")
        if folder == RUNS:
            alive()
            if name.partition(".")[0] != one["sha256"]:
                raise BundleRefused(_("A run file of the bundle has not the name of its content."))
            source = files.enter_context(found.archive.open(one["name"]))
            suffix = Path(name).suffix
            measured = Measured(one["sha256"], one["size"])
            stored = keeping(source, RUNS, suffix, measured=measured)
            kept[one["sha256"]] = files.enter_context(stored)
    return kept


def _as_if_kept(found: Opened) -> dict[str, Kept]:
    """The run files of a bundle, under names that are rolled back."""
    return {
        one["sha256"]: Kept(one["sha256"], one["size"], one["name"])
        for one in found.manifest["contents"]
        if one["name"].startswith(f"{RUNS}/")
    }


def _forget_unused(kept: Mapping[str, Kept]) -> None:
    """Files that were here already."""
    from mppcqa.runs.models import RunFile
    from mppcqa.store.keeping import discard

    used = set(RunFile.objects.filter(sha256__in=list(kept)).values_list("file", flat=True))
    for one in kept.values():
        if one.name not in used:
            discard(one.name)
