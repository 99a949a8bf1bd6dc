"""A ROOT file whose trees are read column by column, within bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mppcqa.loading import Later
from mppcqa.runfile._documents import Checksums, parse
from mppcqa.runfile._keys import Key, read_keys
from mppcqa.runfile._trees import Array, ColumnError, Table, TreeTable, TupleTable
from mppcqa.runfile.layout import CHECKSUMS, RunFileError, Tree, tree_of

if TYPE_CHECKING:
    import uproot
else:
    uproot = Later("uproot")

TREE_CLASSES = ("TTree", "TNtuple", "TNtupleD")
TUPLE_CLASS = "ROOT::RNTuple"


class OpenedFile:
    """A ROOT file that is open; use it in a ``with`` statement.

    Methods raise `RunFileError` for what the file doesn't have or has damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checksums = Checksums(None)
        self.meta: dict[str, Any] = {}
        self.finished = True
        self._tables: dict[str, Table] = {}
        self._unreadable: dict[str, RunFileError] = {}
        self._circular: RunFileError | None = None
        self._reading_types = False
        self._number = -1
        self._file: Any = None
        try:
            self.keys: dict[str, Key] = read_keys(self.path)
            self._number = os.open(self.path, os.O_RDONLY)
            self._file = uproot.open(self.path, object_cache=None, array_cache=None)
            self._file.file.hook_before_read_streamer_key = self._before_types
            self._file.file.hook_after_interpret_streamers = self._after_types
        except Exception as error:
            self._close()
            raise self._wrong(f"can't be opened as a ROOT file: {short(error)}") from None

    def _wrong(self, what: str) -> RunFileError:
        return RunFileError(f"{self.path.name}: {what}")

    def _before_types(self, **_: Any) -> None:
        """uproot begins to read the descriptions of types; they must not need themselves."""
        if self._reading_types:
            raise RecursionError
        self._reading_types = True

    def _after_types(self, **_: Any) -> None:
        self._reading_types = False

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def has(self, name: str) -> bool:
        """Whether the file has a tree of that name with entries."""
        return name in self.keys and self.table(name).entries > 0

    def _get(self, name: str) -> Any:
        if name not in self.keys:
            there = ", ".join(sorted(self.keys)[:12]) or "nothing"
            raise self._wrong(f"has no {name!r}; it holds {there}. Is it a run file of mppcqa?")
        if self._circular is not None:
            raise self._circular
        try:
            return self._file[f"{name};{self.keys[name].cycle}"]
        except RecursionError:
            self._circular = self._wrong("the file's descriptions of its types are damaged")
            raise self._circular from None
        except Exception as error:
            raise self._wrong(f"{name} can't be read: {short(error)}") from None

    def text(self, name: str) -> str:
        """The text of a document."""
        found = self._get(name)
        if self.keys[name].class_name != "TObjString":
            raise ColumnError(f"is a {self.keys[name].class_name}, must be a TObjString", name)
        return str(found)

    def read_checksums(self) -> None:
        """From now on what is read is held against the checksums, which the file must have."""
        self.checksums = Checksums(parse(self.text(CHECKSUMS), CHECKSUMS))
        for name in self.checksums.trees:
            if name not in self.keys:
                raise ColumnError("is missing, though the checksums name it", name)

    def table(self, name: str) -> Table:
        """The columns of a tree."""
        if name in self._unreadable:
            raise self._unreadable[name]
        if name not in self._tables:
            try:
                found = self._get(name)
            except RunFileError as error:
                # Finding that out again may take seconds in a file that was made to.
                self._unreadable[name] = error
                raise
            size = self.path.stat().st_size
            class_name = self.keys[name].class_name
            try:
                verify = self.checksums.verify if self.checksums.there else None
                if class_name == TUPLE_CLASS:
                    blocks = [stop for _, stop in self.checksums.blocks(name)]
                    self._tables[name] = TupleTable(found, name, self._number, size, verify, blocks)
                elif class_name in TREE_CLASSES:
                    self._tables[name] = TreeTable(
                        found, self._number, size, verify, torn=not self.finished
                    )
                else:
                    raise ColumnError(f"is a {class_name}, must be a TTree or an RNTuple", name)
                for column in self.checksums.columns(name):
                    if column not in self._tables[name].columns:
                        del self._tables[name]
                        raise ColumnError("is missing, though the checksums name it", name, column)
            except RunFileError:
                raise
            except Exception as error:
                raise ColumnError(f"is damaged: {short(error)}", name) from None
        return self._tables[name]

    def layout(self, name: str) -> Tree:
        """How a tree of this file must be laid out."""
        return tree_of(name, self.meta)

    def column(self, tree: str, name: str) -> np.dtype[Any]:
        """Type of an entry of a column, which must be as the layout has it."""
        table = self.table(tree)
        if name not in table.columns:
            odd = table.odd.get(name, "the branch is missing")
            raise ColumnError(odd, tree, name)
        found = table.columns[name]
        branch = self.layout(tree).branch(name)
        wanted = np.dtype(branch.kind)
        if found.base != wanted:
            raise ColumnError(f"is {found.base}, must be {wanted}", tree, name)
        if bool(found.shape) != bool(branch.per_entry):
            if branch.per_entry:  # a single channel may be a plain number
                return np.dtype((found.base, (1,)))
            raise ColumnError("has several values an entry, must have one", tree, name)
        return found

    def read(self, tree: str, column: str, start: int, stop: int) -> Array:
        """Values of the entries [start, stop) of a column of a tree."""
        dtype = self.column(tree, column)
        try:
            return self.table(tree).read(column, start, stop).reshape(-1, *dtype.shape)
        except RunFileError:
            raise
        except Exception as error:
            raise ColumnError(f"can't be read: {short(error)}", tree, column, start) from None

    def chunks(
        self, tree: str, columns: Sequence[str], chunk_bytes: int = 20_000_000
    ) -> Iterator[dict[str, Array]]:
        """The tree's columns from beginning to end, some `chunk_bytes` at a time."""
        width = sum(self.column(tree, name).itemsize for name in columns)
        stops = self.table(tree).stops(max(columns, key=lambda n: self.column(tree, n).itemsize))
        start = 0
        while start < self.table(tree).entries:
            reach = start + max(1, chunk_bytes // width)
            i = int(np.searchsorted(stops, reach, "right")) - 1
            stop = int(stops[i]) if i >= 0 and stops[i] > start else reach
            stop = min(stop, self.table(tree).entries)
            yield {name: self.read(tree, name, start, stop) for name in columns}
            start = stop


def short(error: BaseException) -> str:
    """An error's first line, or its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
