"""The file around a bundle: a zip whose last bytes sign all the others. See `docs/bundles.md`.

The signature is tested before anything of the zip is read. Its entries are stored, not compressed
(Parquet and PDF are by themselves), so that nothing can unfold into more than the file has.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils.translation import gettext as _

from mppcqa.bundles.models import Key
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.schema import check_document
from mppcqa.disk import measure
from mppcqa.keyfile import is_signed

FORMAT = "mppcqa-bundle"
VERSION = 1
MANIFEST = "manifest.json"
MARK = b"mppcqa-signature-1"
SIGNED = b"mppcqa bundle, SHA-256 of all bytes before the signature: "
TAIL = len(MARK) + 1 + 64 + 1 + 128
"""Length of the archive's comment: mark, public key, signature."""
MOST_ENTRIES = 100_000
MOST_MANIFEST = 64 << 20
MOST_DOCUMENT = 1 << 30
"""Bytes of a JSON document that are read at once."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,80}(/[a-z0-9][a-z0-9_-]{0,80})?\.[a-z0-9]{1,10}")
WHEN = (1980, 1, 1, 0, 0, 0)
PIECE = 1 << 20


class Writer:
    """Writes a bundle into a file, entry by entry; `finish` adds the manifest and signs it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contents: list[dict[str, Any]] = []
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)

    def add(self, name: str, source: IO[bytes], **facts: Any) -> None:
        """An entry from a file that is open; what the manifest says of it beside its checksum."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an entry")
        source.seek(0)
        measured = measure(source)
        source.seek(0)
        with self._zip.open(_info(name), "w", force_zip64=measured.size >= 1 << 31) as target:
            while piece := source.read(PIECE):
                target.write(piece)
        self.contents.append(
            {"name": name, "size": measured.size, "sha256": measured.sha256, **facts}
        )

    def add_bytes(self, name: str, data: bytes, **facts: Any) -> None:
        """A small entry."""
        import io

        self.add(name, io.BytesIO(data), **facts)

    def finish(self, facts: dict[str, Any], key: Ed25519PrivateKey) -> None:
        """Write the manifest, close the archive, and put the signature into its comment."""
        manifest = {"format": FORMAT, "version": VERSION, **facts, "contents": self.contents}
        with self._zip.open(_info(MANIFEST), "w") as target:
            target.write(as_json(manifest))
        self._zip.comment = MARK + b" " * (TAIL - len(MARK))
        self._zip.close()
        digest = _digest(self.path)
        public = key.public_key().public_bytes_raw().hex().encode()
        signature = key.sign(SIGNED + digest).hex().encode()
        with self.path.open("r+b") as file:
            file.seek(-TAIL, os.SEEK_END)
            file.write(b" ".join((MARK, public, signature)))

    def close(self) -> None:
        """Let go of a file that will not be finished."""
        self._zip.close()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, WHEN)
    info.create_system, info.external_attr = 3, 0o600 << 16
    return info


def as_json(value: Any) -> bytes:
    """JSON that is the same for the same content."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), indent=None)
    return text.encode() + b"\n"


def _digest(path: Path) -> bytes:
    """SHA-256 of all but the signature."""
    digest, left = hashlib.sha256(), path.stat().st_size - TAIL
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.digest()


@dataclass(frozen=True)
class Opened:
    """A bundle whose signature, names, sizes and checksums are right."""

    archive: zipfile.ZipFile
    manifest: dict[str, Any]
    key: Key

    @property
    def names(self) -> set[str]:
        return {one["name"] for one in self.manifest["contents"]}

    @property
    def made_at(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.manifest["made_at"])

    def document(self, name: str) -> Any:
        """An entry of JSON; `BundleRefused` where it is none."""
        if self.archive.getinfo(name).file_size > MOST_DOCUMENT:
            raise BundleRefused(_("%s in the bundle is too large to be read.") % name)
        return _parsed(self.archive.read(name), name)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """A bundle that is signed by a registered key and whole; `BundleRefused` says what is not."""
    key = check_signature(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise BundleRefused(_("The bundle is signed, but it is no zip file: %s") % error) from None
    with archive:
        _check_entries(archive)
        manifest = _parsed(archive.read(MANIFEST), MANIFEST)
        _check_manifest(manifest, key)
        _check_contents(archive, manifest["contents"])
        yield Opened(archive, manifest, key)


def check_signature(path: Path) -> Key:
    """The registered key that signed all bytes of a file; nothing else of it is looked at."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
    words = tail.split(b" ")
    if len(tail) != TAIL or len(words) != 3 or words[0] != MARK:
        raise BundleRefused(
            _(
                "This is no bundle, or its end was cut off or changed: a bundle ends with its "
                "signature. Copy the file again, or ask the sender for it."
            )
        )
    public = words[1].decode("ascii", "replace")
    key = Key.objects.filter(public=public).select_related("installation").first()
    if key is None:
        raise BundleRefused(
            _(
                "The bundle is signed by a key that is not registered here (%s …). If a partner "
                "sent it, register the partner's key first, with its fingerprint."
            )
            % public[:16]
        )
    if key.revoked_at is not None:
        raise BundleRefused(
            _(
                "The bundle is signed by a key of %(name)s that was revoked on %(day)s "
                "(%(why)s). Ask %(name)s for a bundle signed by the new key."
            )
            % {
                "name": key.installation,
                "day": f"{key.revoked_at:%Y-%m-%d}",
                "why": key.revoked_why,
            }
        )
    try:
        signature = bytes.fromhex(words[2].decode("ascii"))
    except ValueError:
        signature = b""
    if not is_signed(public, signature, SIGNED + _digest(path)):
        raise BundleRefused(
            _(
                "The bundle is not what %s signed: it was changed, or damaged on its way. Copy "
                "the file again, or ask for it again."
            )
            % key.installation
        )
    return key


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Names, sizes and kinds of a zip's entries, before any is read."""
    entries = archive.infolist()
    total = sum(one.file_size for one in entries)
    names = [one.filename for one in entries]
    odd = next(
        (
            one.filename
            for one in entries
            if not NAME.fullmatch(one.filename)
            or one.compress_type != zipfile.ZIP_STORED
            or one.compress_size != one.file_size
            or one.flag_bits & 0x1
            or stat.S_IFMT(one.external_attr >> 16) not in (0, stat.S_IFREG)
        ),
        None,
    )
    size = Path(str(archive.filename)).stat().st_size
    if len(entries) > MOST_ENTRIES or total > size:
        raise _malformed(_("it has more in it than its size allows"))
    if len(set(names)) != len(names):
        raise _malformed(_("an entry is in it twice"))
    if odd is not None:
        raise _malformed(_("%r is no entry of a bundle") % odd[:80])
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > MOST_MANIFEST:
        raise _malformed(_("it has no list of its contents"))


def _malformed(what: str) -> BundleRefused:
    return BundleRefused(
        _("The bundle is signed, but not made as bundles are: %s. Tell the sender.") % what
    )


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):
        raise _malformed(_("%s is no JSON") % name) from None


def _check_manifest(manifest: Any, key: Key) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _malformed(_("%s is not that of a bundle") % MANIFEST)
    version = manifest.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise BundleRefused(
            _(
                "The bundle has format %(there)s, made by mppcqa %(program)s; this program reads "
                "formats up to %(here)d. Bring this installation up to date, or ask the sender to "
                "make it with an older mppcqa."
            )
            % {
                "there": version,
                "program": str(manifest.get("mppcqa", "?"))[:40],
                "here": VERSION,
            }
        )

    check_document("manifest", manifest)
    if manifest["sender"]["installation"] != str(key.installation.uuid):
        raise BundleRefused(
            _(
                "The bundle says that it is of another installation than the one whose key (that "
                "of %s) signed it. Ask the sender."
            )
            % key.installation
        )


def _check_contents(archive: zipfile.ZipFile, contents: list[dict[str, Any]]) -> None:
    """Every entry is there and is what the manifest says, and there are no others."""
    there = set(archive.namelist()) - {MANIFEST}
    told = [one["name"] for one in contents]
    if there != set(told) or len(told) != len(there):
        raise _malformed(_("its list of contents names others than those in it"))
    for one in contents:
        try:
            with archive.open(one["name"]) as entry:
                found = measure(entry)
        except (zipfile.BadZipFile, NotImplementedError, EOFError):
            raise _malformed(_("%s can't be read") % one["name"]) from None
        if (found.sha256, found.size) != (one["sha256"], one["size"]):
            raise _malformed(_("%s is not what its list of contents says") % one["name"])
