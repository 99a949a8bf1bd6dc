"""A backup that was tampered with, or of a database that was, is not restored unless forced."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from mppcqa.audit import chain
from mppcqa.audit.models import Entry
from mppcqa.audit.triggers import drop_triggers, make_triggers
from mppcqa.cli import main
from mppcqa.disk import measure_file
from mppcqa.exchange.backup import back_up
from mppcqa.exchange.backup_trust import SIGNATURE, key_path, our_fingerprint, sign
from mppcqa.exchange.rotation import MANIFEST
from mppcqa.inventory.models import Comment, Device
from mppcqa.queue.logs import LogWriter, log_path
from mppcqa.results.models import Measurement
from mppcqa.store.models import StoredFault

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


@pytest.fixture
def full(campaign: SimpleNamespace) -> SimpleNamespace:
    """With an audit that is sealed and anchored, and a log."""
    Comment.objects.create(device=campaign.devices[0], text="before")
    while chain.seal():
        pass
    log = LogWriter(log_path(1, 1))
    log.line("the words of a task")
    log.close()
    return campaign


def restored(backup: Path, *more: str) -> str:
    """What `mppcqa restore` said where it refused; empty where it restored."""
    done = CliRunner().invoke(main, ["restore", "--replace", *more, str(backup)])
    assert done.exit_code in (0, 1), done.output
    return done.stderr if done.exit_code else ""


def turn(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # it may be linked with another backup's
    path.write_bytes(data)


def of(backup: Path, folder: str) -> Path:
    return next(path for path in sorted((backup / folder).rglob("*")) if path.is_file())


def state(backup: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the manifest anew as it is wanted, with its checksum: all but the signature."""
    manifest = json.loads((backup / MANIFEST).read_text())
    change(manifest)
    text = json.dumps(manifest)
    (backup / MANIFEST).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (backup / f"{MANIFEST}.sha256").write_text(f"{digest}  {MANIFEST}\n")


def as_they_are(backup: Path) -> None:
    """Have the manifest state each part as it lies there."""

    def change(manifest: dict[str, Any]) -> None:
        for kind, end in (("tables", ".parquet"), ("files", ""), ("logs", "")):
            for name, stated in manifest[kind].items():
                found = measure_file(backup / kind / f"{name}{end}")
                stated.update(sha256=found.sha256, size=found.size)

    state(backup, change)


def swap_file(backup: Path) -> None:
    turn(of(backup, "files"))
    as_they_are(backup)


def sign_by_another(backup: Path) -> None:
    swap_file(backup)
    key = Ed25519PrivateKey.generate()
    kept = key_path().read_text()
    key_path().write_text(key.private_bytes_raw().hex())
    sign(backup, (backup / MANIFEST).read_text())
    key_path().write_text(kept)


def break_signature(backup: Path) -> None:
    told = json.loads((backup / SIGNATURE).read_text())
    told["signature"] = "00" * 64
    (backup / SIGNATURE).write_text(json.dumps(told))


TAMPERED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "table": (lambda at: turn(at / "tables" / "inventory_device.parquet"), "was changed"),
    "file": (lambda at: turn(of(at, "files")), "was changed"),
    "log": (lambda at: turn(of(at, "logs")), "was changed"),
    "no file": (lambda at: of(at, "files").unlink(), "is missing"),
    "manifest": (lambda at: turn(at / MANIFEST), ""),
    "manifest with its checksum": (lambda at: state(at, lambda one: one.update(x=1)), "changed"),
    "file and manifest": (swap_file, "not of this manifest"),
    "signed by another": (sign_by_another, "and the key here is"),
    "no signature": (lambda at: (at / SIGNATURE).unlink(), "is not signed"),
    "a broken signature": (break_signature, "not of this manifest"),
    "half a signature": (lambda at: (at / SIGNATURE).write_text('{"key": 7}'), "can't be read"),
    "no anchors": (lambda at: state(at, lambda one: one.update(anchors=[])), "changed"),
}


def test_a_backup_of_which_any_part_was_changed_is_refused(
    full: SimpleNamespace, tmp_path: Path, settings: Any
) -> None:
    settings.MPPCQA_BACKUPS, second = tmp_path / "first", tmp_path / "second"
    settings.MPPCQA_BACKUPS_SECOND = str(second)
    (tmp_path / "first").mkdir()
    away = CliRunner().invoke(main, ["backup"])
    assert (away.exit_code, "is its disk mounted" in away.stderr) == (1, True)
    second.mkdir()
    for _turn in range(2):
        done = CliRunner().invoke(main, ["backup"])
        assert done.exit_code == 0, done.output
    one, two = sorted(second.iterdir())[-2:]
    assert (one / "tables/results_measurement.parquet").samefile(
        two / "tables/results_measurement.parquet"
    ), "what did not change lies there once"
    verified = CliRunner().invoke(main, ["backup", "--verify", str(two)])
    assert verified.exit_code == 0, verified.output
    for name, (tamper, told) in TAMPERED.items():
        copy = tmp_path / "mppcqa-20260101-000000"
        shutil.copytree(two, copy)
        tamper(copy)
        said = restored(copy)
        assert "nothing was restored" in said, name
        assert told in said, (name, said)
        assert CliRunner().invoke(main, ["backup", "--verify", str(copy)]).exit_code == 1
        shutil.rmtree(copy)
    Comment.objects.all().delete()
    other = "0000 " * 10
    assert "another key signed it" in restored(two, "--signed-by", other)
    assert not Comment.objects.exists()
    key = key_path().read_text()
    fingerprint = our_fingerprint()
    key_path().unlink()
    assert fingerprint in restored(two), "which key it was is said, and that none is known here"
    assert restored(two, "--signed-by", fingerprint.replace(" ", "-").upper()) == ""
    key_path().write_text(key)
    assert Comment.objects.get().text == "before"
    turn(of(two, "files"))
    assert "was changed" in restored(two)
    assert restored(two, "--force") == ""
    assert StoredFault.objects.get().what == "damaged", "and what is not whole is known as that"


def test_a_backup_of_a_tampered_database_is_refused(full: SimpleNamespace, tmp_path: Path) -> None:
    """Who has the database's password: each way, and what the restore says of it."""
    good = back_up(tmp_path / "good")
    first = Entry.objects.earliest("pk")

    def value() -> None:
        rows = Measurement.objects.filter(device=full.devices[1].pk)
        rows.filter(pk=rows.order_by("pk")[0].pk).update(value=99.0)

    def fewer() -> None:
        Measurement.objects.filter(device=full.devices[1].pk).delete()

    def entry() -> None:
        past("UPDATE audit_entry SET after = %s WHERE id = %s", ["[]", first.pk])

    def gap() -> None:
        past("DELETE FROM audit_entry WHERE id = %s", [first.pk])

    def anew() -> None:
        """The whole chain, hashes and all: what the anchors are for."""
        before, hashes = chain.START, []
        for row in Entry.objects.order_by("pk"):
            row.after = "{}" if row.pk == first.pk else row.after
            before = chain.link(before, row.pk, row)
            hashes.append([before, row.pk])
        past("UPDATE audit_entry SET hash = %s WHERE id = %s", *hashes)
        past("UPDATE audit_entry SET after = %s WHERE id = %s", ["{}", first.pk])

    for tamper, told in (
        *((value, "were changed"), (fewer, "were written")),
        *((anew, "was written anew"), (entry, "is not what was sealed"), (gap, "is missing")),
    ):
        tamper()
        made = back_up(tmp_path / tamper.__name__)
        said = restored(made)
        assert "tampered with, nothing was restored" in said, tamper.__name__
        assert told in said, (tamper.__name__, said)
    assert restored(good) == ""
    assert Measurement.objects.filter(device=full.devices[1].pk).exists()
    assert restored(made, "--force") == ""
    assert not Measurement.objects.filter(device=full.devices[1].pk).exists()
    assert Device.objects.count() == 4


def past(sql: str, *rows: list[Any]) -> None:
    """By raw SQL, with our triggers out of the way for a moment."""
    drop_triggers()
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
    make_triggers()
