"""What a reader of one format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mppcqa.tables.errors import TableError
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.words import say as _

Read = Callable[[Path, Mapping, int | None], list[Measured]]


@dataclass(frozen=True)
class Format:
    """A format that is known by its own marks, and how it is read."""

    key: str
    """Name in mappings."""
    title: str
    kind: str
    looks: Callable[[bytes, Path], bool]
    """Whether a file is one, by its first 4096 bytes and its name."""
    read: Read
    """From a path, a mapping and a limit [bytes, or entries] to what was measured."""
    description: str = ""
    conditions: tuple[tuple[str, Given], ...] = ()
    text: bool = True
    """Whether it is text that a mapping of a table might have been made for."""

    other: Callable[[Path], Mapping | None] | None = None
    """How a file is read that holds another kind of data than most of this format."""

    def proposed(self, path: Path) -> Mapping:
        """How one file is read where nothing else is asked."""
        return (self.other(path) if self.other else None) or self.mapping()

    def mapping(self) -> Mapping:
        """How such a file is read where nothing else is asked."""
        return Mapping(
            self.title,
            self.key,
            self.kind,
            conditions=dict(self.conditions),
            description=self.description,
        )


def refuse_other_kind(path: Path, mapping: Mapping, kind: str, title: str) -> None:
    """`TableError` where a mapping asks for something else than a format holds."""
    if mapping.kind != kind:
        raise TableError(
            _("%(name)s: %(title)s is not what the mapping says (%(kind)s)")
            % {"name": path.name, "title": title, "kind": mapping.kind}
        )


def lines_at(start: bytes, most: int = 60) -> list[str]:
    """The first lines of a text file."""
    return start.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")[:most]
