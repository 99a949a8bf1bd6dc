"""ROOT files of other groups by a mapping of their branches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mppcqa.loading import Later
from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.formats.root_branches import read_branch
from mppcqa.tables.formats.root_histograms import find_histogram, of_histogram
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import from_rows
from mppcqa.tables.rows import Rows
from mppcqa.tables.words import say as _

if TYPE_CHECKING:
    import uproot
else:
    uproot = Later("uproot")

TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
MOST_LISTED = 30


def looks(start: bytes, path: Path) -> bool:
    return start[:4] == b"root"


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """What a tree or a histogram holds. `limit` reads only so many entries from the start."""
    try:
        with uproot.open(path) as file:
            histogram = find_histogram(file, mapping)
            if histogram is not None:
                return [of_histogram(path, mapping, histogram)]
            return _read(path, mapping, file, limit)
    except TableError:
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise TableError(
            _("%(name)s: can't be read as a ROOT file, it may be cut off or damaged: %(text)s")
            % {"name": path.name, "text": text}
        ) from None


def contents(path: Path) -> dict[str, list[str]]:
    """Trees of a ROOT file with their branches, and histograms, for who makes a mapping."""
    try:
        with uproot.open(path) as file:
            classes = file.classnames(cycle=False)
            found: dict[str, list[str]] = {}
            for name, kind in list(classes.items())[:200]:
                if kind in TREES:
                    found[name] = list(map(str, file[name].keys()))[:500]
                elif kind[:3] in ("TH1", "TH2"):
                    found[name] = []
            return found
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise TableError(
            _("%(name)s: can't be read as a ROOT file, it may be cut off or damaged: %(text)s")
            % {"name": path.name, "text": text}
        ) from None


def _tree(file: Any, name: str, where: str) -> Any:
    names = [n for n, kind in file.classnames(cycle=False).items() if kind in TREES]
    if name and name not in names:
        raise TableError(
            _("%(name)s: there is no tree “%(tree)s”; there is %(there)s")
            % {"name": where, "tree": name, "there": ", ".join(names) or _("no tree")}
        )
    if not name and len(names) != 1:
        raise TableError(
            _("%(name)s: name the tree in the mapping; there is %(there)s")
            % {"name": where, "there": ", ".join(names) or _("no tree")}
        )
    return file[name or names[0]]


def _read(path: Path, mapping: Mapping, file: Any, limit: int | None) -> list[Measured]:
    tree = _tree(file, mapping.tree, path.name)
    entries = tree.num_entries if limit is None else min(tree.num_entries, limit)
    if not entries:
        raise TableError(
            _("%(name)s: %(tree)s has no entries") % {"name": path.name, "tree": tree.name}
        )
    several = len(mapping.of_role("charge")) > 1
    columns = [
        (column, read_branch(path, _holder(path, file, tree, column), column, entries, several))
        for column in mapping.columns
    ]
    rows = Rows(columns)
    names = [str(key) for key in tree.keys()]  # noqa: SIM118  (of itself it gives branches)
    unused = sorted(set(names) - {column.source for column in mapping.columns})
    if unused:
        rows.notes.append(_("Columns that are not used: %s.") % ", ".join(unused[:MOST_LISTED]))
    return from_rows(path, mapping, rows)


def _holder(path: Path, file: Any, tree: Any, column: Column) -> Any:
    """The tree that has a branch: the one named, or another of as many entries (a friend)."""
    if column.source in tree:
        return tree
    for name, kind in file.classnames(cycle=False).items():
        if (
            kind in TREES
            and file[name].num_entries == tree.num_entries
            and column.source in file[name]
        ):
            return file[name]
    raise TableError(
        _("%(name)s: %(tree)s has no branch “%(source)s”; there are %(there)s")
        % {
            "name": path.name,
            "tree": tree.name,
            "source": column.source,
            "there": ", ".join(list(tree.keys())[:MOST_LISTED]),
        }
    )


FORMAT = Format(
    "root",
    "ROOT tree or histogram",
    "charge",
    looks,
    read,
    "Branches of a tree (numbers, arrays, std::vector of one length, friend trees), a TH1, or a "
    "TH2 of charge against channel.",
    text=False,
)
