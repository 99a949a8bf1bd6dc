"""HDF5 files of other groups (h5py, MATLAB 7.3, NetCDF 4) by a mapping of their datasets."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.attributes import (
    above,
    of_datasets,
    scale_doubts,
    stored_scale,
    texts_of,
)
from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import from_rows, refuse_no_readings
from mppcqa.tables.rows import Rows
from mppcqa.tables.stored import Stored, read_array
from mppcqa.tables.words import say as _

MAX_VALUES = 200_000_000
MAX_RATIO = 1000
"""What is compressed better than this is no measurement."""
MOST_LISTED = 30


def looks(start: bytes, path: Path) -> bool:
    return start[:8] == b"\x89HDF\r\n\x1a\n"


def contents(path: Path) -> dict[str, list[str]]:
    """Groups with their datasets, and tables with their fields, for who makes a mapping."""
    import h5py

    found: dict[str, list[str]] = {}

    def visit(raw: str | bytes, item: Any) -> None:
        name = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        if isinstance(item, h5py.Dataset) and len(found) < 200:
            if item.dtype.names:
                found[name] = list(item.dtype.names)
            else:
                group, _slash, key = name.rpartition("/")
                found.setdefault(group or "/", []).append(key)

    with _opened(path) as file:
        try:
            file.visititems(visit)
        except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
            raise TableError(_damaged(path, error)) from None
    return found


def _damaged(path: Path, error: Exception) -> str:
    text = _("%(name)s: can't be read as an HDF5 file, it may be cut off or damaged: %(text)s")
    return text % {"name": path.name, "text": str(error)[:160]}


def _opened(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise TableError(_damaged(path, error)) from None


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """What the datasets of a group, or the fields of a table, hold."""
    if not mapping.columns:
        raise TableError(_("%s: name the datasets in a mapping") % path.name)
    with _opened(path) as file:
        groups = _groups(path, file, mapping)
        parts = [_read_group(path, file, replace(mapping, tree=one), limit) for one in groups]
    for part, group in zip(parts, groups, strict=True):
        if len(groups) > 1:
            part[0].notes.insert(0, _("the group %s") % group)
    return [one for part in parts for one in part]


MOST_GROUPS = 1000


def _groups(path: Path, file: Any, mapping: Mapping) -> list[str]:
    """The groups or tables that a mapping names: one, or all with the datasets that a * fits."""
    tree = mapping.tree
    if "*" not in tree:
        return [tree]
    found: list[str] = []
    sources = {column.source for column in mapping.columns}
    wanted = tree.strip("/").split("/")

    def visit(raw: str | bytes, item: Any) -> None:
        name = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        parts = name.split("/")
        if len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted)):
            inside = (
                getattr(getattr(item, "dtype", None), "names", None)
                or getattr(item, "keys", tuple)()
            )
            if sources <= set(inside):
                found.append(name)

    try:
        file.visititems(visit)
    except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        raise TableError(_damaged(path, error)) from None
    if not 0 < len(found) <= MOST_GROUPS:
        words = {"name": path.name, "n": len(found), "tree": tree, "most": MOST_GROUPS}
        raise TableError(
            _("%(name)s: %(n)d groups are called %(tree)s; 1 to %(most)d are read") % words
        )
    return found


def _read_group(path: Path, file: Any, mapping: Mapping, limit: int | None) -> list[Measured]:
    try:
        values = [_values(path, file, mapping, column, limit) for column in mapping.columns]
        own = [(column, _own_texts(path, file, mapping, column)) for column in mapping.columns]
        told, shared, notes = of_datasets(own)
        facts = {**shared, **above(file, mapping.tree)}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(_damaged(path, error)) from None
    columns = list(zip(told, values, strict=True))
    lengths = {len(values) for _column, values in columns}
    if len(lengths) > 1:
        listed = ", ".join(f"{column.source}: {len(values)}" for column, values in columns)
        raise TableError(
            _("%(name)s: the datasets have different lengths: %(listed)s")
            % {"name": path.name, "listed": listed}
        )
    parts = from_rows(path, mapping, Rows(columns, facts=facts, notes=notes))
    parts[0].doubts += scale_doubts(own)
    return parts


def _own_texts(path: Path, file: Any, mapping: Mapping, column: Column) -> dict[str, str]:
    """Attributes of a dataset of its own; those of a table are all its fields'."""
    data, field = _dataset(path, file, mapping, column)
    return {} if field else texts_of(data.attrs)


def _values(path: Path, file: Any, mapping: Mapping, column: Column, limit: int | None) -> Any:
    """Numbers (entries,) or (entries, n) of a dataset, in its role's unit."""
    data, name = _dataset(path, file, mapping, column)
    where = {"name": path.name, "branch": column.source}
    kind = data.dtype[name] if name else data.dtype
    if kind.base.kind not in "fiub" or data.ndim > 2:
        raise TableError(_("%(name)s: %(branch)s does not hold plain numbers") % where)
    stored = max(int(data.id.get_storage_size()), 1)
    waves = column.role == "signal" and data.ndim == 2 and not name
    if (data.size > MAX_VALUES and not waves) or data.size > MAX_RATIO * max(stored, 1000):
        raise TableError(
            _("%(name)s: %(branch)s claims %(n)d values in %(bytes)d bytes; %(most)d at most")
            % (where | {"n": data.size, "bytes": stored, "most": MAX_VALUES})
        )
    unit = data.attrs.get("units", data.attrs.get("unit", "")) if not name else ""
    change = column.conversion(unit.decode() if isinstance(unit, bytes) else str(unit))
    if change is None:
        raise TableError(
            _("%(head)s: the unit %(unit)s is not one of %(role)s (%(due)s)")
            % {"head": column.source, "unit": unit, "role": column.role,
               "due": column.due or ""}
        )  # fmt: skip
    scale, offset = (1.0, 0.0) if name else stored_scale(data.attrs)
    factor, offset = scale * change.factor, offset * change.factor + change.offset
    if waves:
        return _stored(path, data, limit, factor, offset)
    piece = data[:limit] if limit is not None else data[()]
    return np.asarray(piece[name] if name else piece, float) * factor + offset


def _stored(path: Path, data: Any, limit: int | None, factor: float, shift: float = 0.0) -> Stored:
    """Waveforms that are read a piece at a time: a digitizer's numbers stay as they are."""
    place, entries = data.name, len(data) if limit is None else min(limit, len(data))
    plain = factor == 1.0 and not shift
    kind = data.dtype if plain and data.dtype.kind in "iu" else np.dtype(np.float32)

    stored, offset = data.dtype, _offset(data)
    there = path.resolve()  # the name may be a link that is gone by then
    opened: list[Any] = []

    def read_some(first: int, end: int) -> Any:
        if offset is not None:
            begin = offset + first * data_width
            found = read_array(there, stored, (end - first) * width, begin)
            if len(found) < (end - first) * width:
                raise TableError(_damaged(path, OSError("it ends before its data")))
            found = found.reshape(-1, width)
        else:
            try:
                if not opened:
                    opened.append(_opened(there))
                found = opened[0][place][first:end]
            except (OSError, RuntimeError, KeyError) as error:
                raise TableError(_damaged(path, error)) from None
        if stored.kind not in "iu":
            refuse_no_readings(path, found)
        return found if kind == stored else (found * factor + shift).astype(np.float32)

    width = data.shape[1]
    data_width = width * stored.itemsize
    return Stored((entries, width), kind, read_some)


def _offset(data: Any) -> int | None:
    """Where in the file a dataset lies as it is; None where it is in chunks, packed, or elsewhere.

    Read past the library it comes three times as fast.
    """
    plain = data.chunks is None and data.compression is None and not data.external
    offset = data.id.get_offset() if plain and data.file.userblock_size == 0 else None
    return None if offset is None else int(offset)


def _dataset(path: Path, file: Any, mapping: Mapping, column: Column) -> tuple[Any, str]:
    """A dataset, and the field of it where it is a table."""
    import h5py

    place = mapping.tree.strip("/")
    table = file.get(place) if place else None
    if isinstance(table, h5py.Dataset):
        if column.source in (table.dtype.names or ()):
            return table, column.source
    else:
        wanted = f"{place}/{column.source}".strip("/")
        link = file.get(wanted, getlink=True)
        found = None if isinstance(link, h5py.ExternalLink) else file.get(wanted)
        if isinstance(found, h5py.Dataset):
            return found, ""
    listed = "; ".join(f"{g}: {', '.join(keys[:12])}" for g, keys in contents(path).items())
    raise TableError(
        _("%(name)s: there is no dataset “%(source)s”; there are %(there)s")
        % {"name": path.name, "source": wanted_name(mapping, column), "there": listed[:600]}
    )


def wanted_name(mapping: Mapping, column: Column) -> str:
    """A dataset's name with its group."""
    return f"{mapping.tree}/{column.source}".strip("/")


FORMAT = Format(
    "hdf5",
    "HDF5 datasets",
    "charge",
    looks,
    read,
    "Datasets of a group, or fields of a table, of one length; units from their attributes.",
    text=False,
)
