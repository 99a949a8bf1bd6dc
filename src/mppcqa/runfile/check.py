"""The checker: every fault of a run file at once, with its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import _index
from mppcqa.runfile._documents import meta_faults, parse
from mppcqa.runfile._keys import read_keys
from mppcqa.runfile._opened import OpenedFile, short
from mppcqa.runfile._trees import ColumnError
from mppcqa.runfile._values import TreeCheck
from mppcqa.runfile.layout import (
    BEGUN,
    CHECKSUMS,
    EVENT_TREES,
    INDEX,
    META,
    READABLE,
    THRESHOLD_UNITS,
    TREE_NUMBERS,
    TREES,
    RunFileError,
    tree_of,
)

FAULTS_KEPT = 200
"""A file that is wrong all over is told of this many."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a file, where, and since which entry."""

    what: str
    tree: str = ""
    branch: str = ""
    entry: int | None = None

    def __str__(self) -> str:
        place = "/".join(part for part in (self.tree, self.branch) if part)
        if self.entry is not None:
            place += f" entry {self.entry}"
        return f"{place}: {self.what}" if place else self.what


def check(path: Path) -> list[Fault]:
    """Faults of a file; an empty list means that it can be analysed."""
    path = Path(path)
    if not path.is_file():
        return [Fault("there is no such file")]
    try:
        read_keys(path)
    except (RunFileError, OSError) as error:
        return [Fault(str(error))]
    try:
        with OpenedFile(path) as file:
            return _Check(file).run()[:FAULTS_KEPT]
    except Exception as error:
        return [Fault(f"the file can't be read, it may be cut off or damaged: {short(error)}")]


class _Check:
    """The state of one check: what is known so far, and the faults."""

    def __init__(self, file: OpenedFile) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.meta: dict[str, Any] = {}

    def add(self, error: ColumnError) -> None:
        fault = Fault(error.what, error.tree, error.branch, error.entry)
        if fault not in self.faults:
            self.faults.append(fault)

    def fault(self, what: str, tree: str = "", branch: str = "", entry: int | None = None) -> None:
        self.faults.append(Fault(what, tree, branch, entry))

    def run(self) -> list[Fault]:
        self._documents()
        points = self._tree("condition", None)
        for name in TREES:
            if name not in ("condition", INDEX):
                self._tree(name, points)
        self._something()
        self._index()
        self._entries()
        return self.faults

    def _documents(self) -> None:
        text = self._text(META) if META in self.file.keys else ""
        if META not in self.file.keys:
            left = " What it has can be recovered." if BEGUN in self.file.keys else ""
            self.fault(f"is missing; a program writes it last, so the run did not end.{left}", META)
        try:
            if CHECKSUMS in self.file.keys:
                self.file.read_checksums()
                if text:
                    self.file.checksums.check_meta(text)
        except ColumnError as error:
            self.add(error)
        if not text and BEGUN in self.file.keys:
            text = self._text(BEGUN)
        if not text:
            return
        try:
            self.meta = self.file.meta = parse(text, META)
        except ColumnError as error:
            self.add(error)
            return
        for wrong in meta_faults(self.meta):
            self.add(wrong)
        unit = self.meta.get("threshold_unit", "")
        if isinstance(unit, str) and unit not in THRESHOLD_UNITS:
            known = ", ".join(THRESHOLD_UNITS[1:])
            self.fault(f"{unit[:20]!r} is none of {known}, or empty", META, "threshold_unit")
        layout = self.meta.get("layout")
        if layout is not None and layout not in READABLE:
            self.fault(f"this program knows {READABLE}", META, "layout")
        if self.meta.get("checksums") is True and CHECKSUMS not in self.file.keys:
            self.fault("is missing, though meta says that it is there", CHECKSUMS)

    def _text(self, name: str) -> str:
        try:
            return self.file.text(name)
        except ColumnError as error:
            self.add(error)
        except RunFileError as error:
            self.fault(str(error), name)
        return ""

    def _tree(self, name: str, points: set[int] | None) -> set[int] | None:
        """Check one tree; the condition's gives back the points that there are."""
        tree = tree_of(name, self.meta)
        if name not in self.file.keys:
            if tree.required or (name == "charge" and self.meta.get("layout") == 1):
                self.fault("the tree is missing", name)
            return None
        try:
            table = self.file.table(name)
            columns, complete = [], True
            for branch in tree.branches:
                there = branch.name in table.columns or branch.name in table.odd
                if not branch.required and not there:
                    continue
                try:
                    self.file.column(name, branch.name)
                    columns.append(branch.name)
                except ColumnError as error:
                    self.add(error)
                    complete = False
            if complete:
                found = TreeCheck(self.file, tree, columns, self.meta, points)
                for wrong in found.run():
                    self.add(wrong)
                self._checksums(name, columns)
                return found.points
        except ColumnError as error:
            self.add(error)
        except RunFileError as error:
            self.fault(str(error), name)
        except Exception as error:
            self.fault(f"can't be read: {short(error)}", name)
        return None

    def _checksums(self, name: str, columns: list[str]) -> None:
        """Checksums of what was not read as the blocks that they are about."""
        sums, entries = self.file.checksums, self.file.table(name).entries
        if not sums.there or any(fault.tree == CHECKSUMS for fault in self.faults):
            return
        for column in columns:
            if not sums.covers(name, column, entries):
                self.fault(f"has none of {name}/{column}", CHECKSUMS)
                continue
            for start, stop in sums.blocks(name):
                if (name, column, start) not in sums.verified:
                    values = self.file.read(name, column, start, stop)
                    sums.verify(name, column, start, stop, values)

    def _count(self, name: str) -> int:
        try:
            return self.file.table(name).entries if name in self.file.keys else 0
        except RunFileError:
            return 0

    def _something(self) -> None:
        names = ("charge",) if self.meta.get("layout") == 1 else EVENT_TREES
        known = {fault.tree for fault in self.faults}
        if not any(self._count(name) for name in names) and not known.intersection(names):
            self.fault(f"no events: {', '.join(names)} hold no entry", names[0])

    def _index(self) -> None:
        """The index that a file brings along must be the one that its entries give."""
        if INDEX not in self.file.keys or any(f.tree in EVENT_TREES for f in self.faults):
            return
        try:
            table = self.file.table(INDEX)
            rows = {
                b.name: self.file.read(INDEX, b.name, 0, table.entries)
                for b in TREES[INDEX].branches
            }
            self._checksums(INDEX, list(rows))
            for name, number in TREE_NUMBERS.items():
                if not (rows["tree"] == number).any() and not self._count(name):
                    continue
                brought = _index.from_rows(rows, number, self._count(name))
                made = _index.build(self.file.table(name))
                if not all(
                    np.array_equal(getattr(brought, part), getattr(made, part))
                    for part in ("keys", "start", "stop")
                ):
                    self.fault(f"does not lead to the entries of {name}", INDEX)
        except ColumnError as error:
            self.add(error)
        except RunFileError as error:
            self.fault(str(error), INDEX)

    def _entries(self) -> None:
        entries = self.meta.get("entries", {})
        for name, expected in entries.items() if isinstance(entries, dict) else ():
            there = self._count(name) if name in TREES else expected
            if there != expected:
                self.fault(f"has {there} entries, meta says {expected}", name)
