"""The table of contents of a ROOT file, read by ourselves so that nothing it claims is trusted.

uproot allocates what a key's header promises. Here each promise is held against the file's size
before uproot sees it. Format: ROOT's ``TFile``, ``TDirectory`` and ``TKey`` class documentation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mppcqa.runfile.layout import RunFileError

OBJECT_LIMIT = 64_000_000
"""Bytes that one object apart from a basket may unpack to (a tree's own record, a document)."""
_BIG_FILE = 1_000_000
_BIG_KEY = 1000


@dataclass(frozen=True)
class Key:
    """Where an object lies: position, bytes there, bytes unpacked, class, name, cycle."""

    seek: int
    stored: int
    unpacked: int
    header: int
    class_name: str
    name: str
    cycle: int


def read_keys(path: Path) -> dict[str, Key]:
    """The objects of the file's top folder by name, newest cycle each.

    Raises `RunFileError` for what is no ROOT file, is cut off, or claims what can't be.
    """
    size = path.stat().st_size
    if size == 0:
        raise RunFileError("the file is empty")
    with path.open("rb") as file:
        try:
            return _read(file, size)
        except (struct.error, UnicodeDecodeError, IndexError):
            raise RunFileError("the file's table of contents is damaged") from None


def _at(file: BinaryIO, seek: int, length: int, size: int, what: str) -> bytes:
    if seek < 0 or length < 0 or seek + length > size:
        raise RunFileError(f"{what} lies outside of the file; it may be cut off or damaged")
    file.seek(seek)
    data = file.read(length)
    if len(data) != length:
        raise RunFileError(f"{what} is cut off")
    return data


def _read(file: BinaryIO, size: int) -> dict[str, Key]:
    head = file.read(64)
    if head[:4] != b"root":
        raise RunFileError("this is no ROOT file")
    if len(head) < 64:
        raise RunFileError(f"the file is cut off: {size} bytes are there")
    version, begin = struct.unpack_from(">ii", head, 4)
    if version >= _BIG_FILE:
        (end,) = struct.unpack_from(">q", head, 12)
        (name_bytes,) = struct.unpack_from(">i", head, 36)
        seek_info, info_bytes = struct.unpack_from(">qi", head, 45)
    else:
        (end,) = struct.unpack_from(">I", head, 12)
        (name_bytes,) = struct.unpack_from(">i", head, 28)
        seek_info, info_bytes = struct.unpack_from(">Ii", head, 37)
    if size < end:
        raise RunFileError(f"the file is cut off: {size} of {end} bytes are there")
    if seek_info:
        streamers, _ = _key(_at(file, seek_info, info_bytes, size, "the list of classes"), 0)
        _bounded(streamers, size)
    folder = _at(file, begin + name_bytes, 42, size, "the top folder")
    (folder_version,) = struct.unpack_from(">H", folder)
    form = ">qqq" if folder_version > _BIG_KEY else ">iii"
    (keys_bytes,) = struct.unpack_from(">i", folder, 10)
    seek_keys = struct.unpack_from(form, folder, 18)[2]
    record = _at(file, seek_keys, keys_bytes, size, "the list of objects")
    own, _ = _key(record, 0)
    (count,) = struct.unpack_from(">i", record, own.header)
    if not 0 <= count <= keys_bytes // 18:
        raise RunFileError(f"the list of objects claims {count} of them")
    keys: dict[str, Key] = {}
    place = own.header + 4
    for _ in range(count):
        key, place = _key(record, place)
        _bounded(key, size)
        if key.name not in keys or keys[key.name].cycle < key.cycle:
            keys[key.name] = key
    for key in keys.values():
        _as_at_its_place(key, file, size)
    return keys


def _as_at_its_place(key: Key, file: BinaryIO, size: int) -> None:
    """An object's own record says the same as the list, or one of them is damaged.

    Without this a letter of the list makes an optional tree one that is not there.
    """
    own, _ = _key(_at(file, key.seek, key.header, size, key.name[:60]), 0)
    if (own.name, own.class_name, own.cycle) != (key.name, key.class_name, key.cycle):
        raise RunFileError(
            f"the list of objects names {key.name[:60]!r} where {own.name[:60]!r} lies: "
            "the file is damaged"
        )


def _key(data: bytes, place: int) -> tuple[Key, int]:
    """The key at a place of the data, and the place after it."""
    stored, version, unpacked, _date, header, cycle = struct.unpack_from(">iHiIHH", data, place)
    big = version > _BIG_KEY
    (seek,) = struct.unpack_from(">q" if big else ">i", data, place + 18)
    place += 34 if big else 26
    words = []
    for _ in range(3):
        length = data[place]
        place += 1
        if length == 255:
            (length,) = struct.unpack_from(">I", data, place)
            place += 4
        if place + length > len(data):
            raise IndexError
        words.append(data[place : place + length])
        place += length
    class_name, name = words[0].decode(), words[1].decode()
    return Key(seek, stored, unpacked, header, class_name, name, cycle), place


def _bounded(key: Key, size: int) -> None:
    name = key.name[:60] or "an object"
    if key.seek < 0 or key.stored < key.header or key.seek + key.stored > size:
        raise RunFileError(f"{name} lies outside of the file; it may be cut off or damaged")
    if not 0 <= key.unpacked <= OBJECT_LIMIT:
        raise RunFileError(
            f"{name} claims to unpack to {key.unpacked} bytes; at most {OBJECT_LIMIT} are read"
        )
