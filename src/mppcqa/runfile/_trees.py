"""Columns of a tree: a TTree's read basket by basket with bounds, an RNTuple's through uproot."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xxhash
from numpy.typing import NDArray

from mppcqa.runfile._blocks import BlockError, unpacked
from mppcqa.runfile._pages import Pages
from mppcqa.runfile.layout import RunFileError

Array = NDArray[Any]
BASKET_LIMIT = 256_000_000
"""Bytes that one basket may unpack to."""
EXPANSION_LIMIT = 250
"""A tree may unpack to this many times the file's size, and `EXPANSION_FREE` bytes."""
EXPANSION_FREE = 256_000_000
_BASKET_KEY = struct.Struct(">iHiIHH")
_ALIGN = 8


class Table(Protocol):
    """A tree's columns."""

    name: str
    entries: int
    columns: dict[str, np.dtype[Any]]
    """Type of an entry by column: base type and shape."""
    odd: dict[str, str]
    """Columns that a run file can't have, with the reason."""

    def read(self, column: str, start: int, stop: int) -> Array:
        """Values of entries [start, stop), in the machine's byte order."""

    def stops(self, column: str) -> NDArray[np.int64]:
        """Last entry, exclusive, of each basket (or of each piece that is read at once)."""


class ColumnError(RunFileError):
    """A column that can't be read; knows where."""

    def __init__(self, what: str, tree: str, branch: str = "", entry: int | None = None) -> None:
        place = "/".join(part for part in (tree, branch) if part)
        super().__init__(f"{place}{'' if entry is None else f' entry {entry}'}: {what}")
        self.what, self.tree, self.branch, self.entry = what, tree, branch, entry


@dataclass(frozen=True)
class _Column:
    kind: np.dtype[Any]
    shape: tuple[int, ...]
    seek: NDArray[np.int64]
    stored: NDArray[np.int64]
    edges: NDArray[np.int64]
    embedded: list[Array]
    """Contents of baskets that lie inside the tree's own record, after those on their own."""

    @property
    def entry_bytes(self) -> int:
        return int(self.kind.itemsize * np.prod(self.shape, dtype=np.int64))


Verify = Callable[[str, str, int, int, Array], None]
"""(tree, column, start, stop, values): raises if values of a whole basket aren't as written."""


class TreeTable:
    """A TTree of plain branches."""

    def __init__(
        self, tree: Any, file_number: int, size: int, verify: Verify | None, *, torn: bool = False
    ) -> None:
        """`torn`: of a tree whose writer died, the entries that all of its branches have."""
        self.name = str(tree.name)
        self._torn = torn
        self.entries = int(tree.num_entries)
        self._file, self._size, self._verify = file_number, size, verify
        self._header = 0
        """Bytes before a basket's values, as the last one had it."""
        self._columns: dict[str, _Column] = {}
        self.columns: dict[str, np.dtype[Any]] = {}
        self.odd: dict[str, str] = {}
        if self.entries < 0:
            raise ColumnError(f"claims {self.entries} entries", self.name)
        for branch in tree.branches:
            name = str(branch.name)
            try:
                self._columns[name] = self._bounded(branch, name)
            except ColumnError as error:
                self.odd[name] = error.what
                continue
            column = self._columns[name]
            self.columns[name] = np.dtype((column.kind.newbyteorder("="), column.shape))
        if torn:
            self.entries = min((int(c.edges[-1]) for c in self._columns.values()), default=0)

    def _bounded(self, branch: Any, name: str) -> _Column:
        """A branch's baskets, each within the file and all of them the tree's entries."""

        def wrong(what: str) -> ColumnError:
            return ColumnError(what, self.name, name)

        try:
            kind = branch.interpretation.from_dtype
            dtype, shape = kind.subdtype or (kind, ())
            if dtype.fields or dtype.hasobject:
                raise wrong("holds several values under one name; must be a plain branch")
        except AttributeError:
            raise wrong("is no plain branch of numbers of a fixed length") from None
        members = branch.all_members
        embedded = [basket for basket in branch.embedded_baskets if basket.num_entries]
        own = max(int(branch.num_baskets) - len(embedded), 0)
        seek = np.asarray(members["fBasketSeek"][:own], np.int64)
        stored = np.asarray(members["fBasketBytes"][:own], np.int64)
        edges = np.asarray(members["fBasketEntry"][: own + 1], np.int64)
        if not own:
            edges = np.zeros(1, np.int64)
        if len(seek) != own or len(stored) != own or len(edges) != own + 1:
            raise wrong("its list of baskets is damaged")
        if embedded:
            inside = np.cumsum([basket.num_entries for basket in embedded])
            edges = np.concatenate([edges, edges[-1] + inside])
        if self._torn:
            good = (np.diff(edges) > 0) & (seek > 0) & (stored > 0) & (seek + stored <= self._size)
            whole = int(np.cumprod(good).sum())
            seek, stored, edges = seek[:whole], stored[:whole], edges[: whole + 1]
            embedded = []
        if self._torn and edges[0] == 0:
            pass
        elif edges[0] != 0 or (np.diff(edges) <= 0).any() or edges[-1] != self.entries:
            raise wrong(f"its baskets don't hold the {self.entries} entries of the tree")
        if ((seek <= 0) | (stored <= 0) | (seek + stored > self._size)).any():
            raise wrong("a basket lies outside of the file; it may be cut off or damaged")
        column = _Column(dtype, tuple(shape), seek, stored, edges, [b.data for b in embedded])
        total = int(edges[-1]) * column.entry_bytes
        if column.entry_bytes <= 0 or total > EXPANSION_FREE + EXPANSION_LIMIT * self._size:
            raise wrong(f"claims to unpack to {total} bytes, which this file can't hold")
        if int(np.diff(edges).max(initial=0)) * column.entry_bytes > BASKET_LIMIT:
            raise wrong(f"has a basket of more than {BASKET_LIMIT} bytes")
        return column

    def stops(self, column: str) -> NDArray[np.int64]:
        return self._columns[column].edges[1:]

    def read(self, column: str, start: int, stop: int) -> Array:
        it = self._columns[column]
        start, stop = max(start, 0), min(stop, self.entries)
        kind = it.kind.newbyteorder("=")
        out = np.empty((max(stop - start, 0), *it.shape), kind)
        if start >= stop:
            return out
        first = int(np.searchsorted(it.edges, start, side="right")) - 1
        last = int(np.searchsorted(it.edges, stop, side="left"))
        room = np.empty(int(it.stored[first:last].max(initial=0)) + _ALIGN, np.uint8)
        for i in range(first, last):
            begin, end = int(it.edges[i]), int(it.edges[i + 1])
            low, high = max(begin, start), min(end, stop)
            if (low, high) == (begin, end):
                self._basket(it, column, i, out[begin - start : end - start], room)
                continue
            whole = np.empty((end - begin, *it.shape), kind)
            self._basket(it, column, i, whole, room)
            out[low - start : high - start] = whole[low - begin : high - begin]
        return out

    def _basket(
        self, it: _Column, column: str, i: int, out: Array, room: NDArray[np.uint8]
    ) -> None:
        """Fill `out` with the values of basket `i`; `room` holds one as it is stored."""
        begin, end = int(it.edges[i]), int(it.edges[i + 1])
        if i >= len(it.seek):
            raw = it.embedded[i - len(it.seek)].view(np.uint8)
            if raw.nbytes != out.nbytes:
                raise ColumnError("a basket has the wrong size", self.name, column, begin)
        else:
            raw = self._unpacked(it, column, i, out.nbytes, room)
        # Copies and turns the byte order in one go.
        np.copyto(out, raw.view(it.kind).reshape(out.shape))
        if self._verify is not None:
            self._verify(self.name, column, begin, end, out)

    def _unpacked(
        self, it: _Column, column: str, i: int, size: int, room: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """The bytes of basket `i`, which must be `size`."""
        begin, stored = int(it.edges[i]), int(it.stored[i])
        # Placed so that values which are not packed lie where the machine reads them fast.
        shift = -self._header % _ALIGN
        data = room[shift : shift + stored]
        if os.preadv(self._file, [data], int(it.seek[i])) != stored or stored < _BASKET_KEY.size:
            raise ColumnError("a basket is cut off", self.name, column, begin)
        claimed, _version, holds, _date, header, _cycle = _BASKET_KEY.unpack_from(data)
        if claimed != stored or holds != size or not 18 <= header <= stored:
            raise ColumnError(
                f"a basket claims {holds} bytes where its entries need {size}",
                self.name,
                column,
                begin,
            )
        self._header = header
        try:
            return unpacked(data[header:], size)
        except BlockError as error:
            raise ColumnError(
                f"a basket can't be unpacked: {error}", self.name, column, begin
            ) from None


class TupleTable:
    """An RNTuple, read through uproot."""

    PIECE = 20_000_000

    def __init__(
        self,
        ntuple: Any,
        name: str,
        file_number: int,
        size: int,
        verify: Verify | None,
        blocks: list[int],
    ) -> None:
        """`blocks`: last entries, exclusive, of the blocks that have a checksum of ours."""
        self.name = name
        self._ntuple, self._verify = ntuple, verify
        self._pages = Pages(ntuple, file_number)
        self._blocks = np.array(blocks, np.int64)
        self.entries = int(ntuple.num_entries)
        self.columns: dict[str, np.dtype[Any]] = {}
        self.odd: dict[str, str] = {}
        for column in ntuple.keys(recursive=False):
            try:
                form = ntuple[column].to_akform()
                form = form[0] if isinstance(form, tuple) else form
                dtype = _form_dtype(form)
            except Exception as error:
                self.odd[column] = f"is no column of numbers of a fixed length ({error})"
                continue
            total = self.entries * dtype.itemsize
            if self.entries < 0 or total > EXPANSION_FREE + EXPANSION_LIMIT * size:
                self.odd[column] = f"claims {self.entries} entries, which this file can't hold"
                continue
            self.columns[column] = dtype

    def stops(self, column: str) -> NDArray[np.int64]:
        stops = self._blocks
        if len(stops) and stops[-1] == self.entries and (np.diff(stops, prepend=0) > 0).all():
            return stops
        step = max(1, self.PIECE // self.columns[column].itemsize)
        edges = np.arange(step, self.entries + step, step, dtype=np.int64)
        return np.minimum(edges, self.entries)

    def read(self, column: str, start: int, stop: int) -> Array:
        start, stop = max(start, 0), min(stop, self.entries)
        dtype = self.columns[column]
        out = np.empty((max(stop - start, 0), *dtype.shape), dtype.base)
        begin = 0
        for end in self.stops(column).tolist():
            low, high = max(begin, start), min(end, stop)
            if low < high:
                values = self._piece(column, begin, end, dtype)
                out[low - start : high - start] = values[low - begin : high - begin]
            begin = end
        return out

    def _piece(self, column: str, start: int, stop: int, dtype: np.dtype[Any]) -> Array:
        """A whole block, held against its checksum."""
        try:
            self._pages.check(column, start, stop)
            values = self._ntuple.arrays(
                [column], entry_start=start, entry_stop=stop, library="np"
            )[column]
        except Exception as error:
            raise ColumnError(f"can't be read: {error}", self.name, column, start) from None
        values = np.ascontiguousarray(values, dtype.base)
        if values.shape != (stop - start, *dtype.shape):
            raise ColumnError("has the wrong shape", self.name, column, start)
        if self._verify is not None:
            self._verify(self.name, column, start, stop, values)
        return values


def _form_dtype(form: Any) -> np.dtype[Any]:
    """Type of an entry from the form of a column: numbers, or a fixed number of them."""
    fields = getattr(form, "fields", None)
    if fields:
        form = form.contents[0]
    if form.is_regular:
        inner = _form_dtype(form.content)
        nested: np.dtype[Any] = np.dtype((inner.base, (int(form.size), *inner.shape)))
        return nested
    if not form.is_numpy:
        raise ValueError(type(form).__name__)
    plain: np.dtype[Any] = np.dtype(form.primitive)
    return plain


def block_digest(values: Array) -> str:
    """Checksum of values: XXH3, 64 bits, of their bytes in little-endian order, as hexadecimal."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return str(xxhash.xxh3_64_hexdigest(little.data))
