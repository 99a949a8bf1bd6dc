"""The documents of a run file: ``meta`` and ``checksums``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import xxhash

from mppcqa.runfile._trees import Array, ColumnError, block_digest
from mppcqa.runfile.layout import CHECKSUMS, META


@cache
def meta_schema() -> dict[str, Any]:
    """JSON Schema of ``meta``."""
    text = files("mppcqa.runfile").joinpath("meta.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _validator() -> Any:
    import jsonschema  # 0.1 s, which a process that reads no run file need not pay

    return jsonschema.Draft202012Validator(meta_schema())


def parse(text: str, name: str) -> dict[str, Any]:
    """The JSON object in a text. Raises `ColumnError`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ColumnError(f"is no JSON: {error}", name) from None
    if not isinstance(document, dict):
        raise ColumnError("is no JSON object", name)
    return document


def meta_faults(meta: dict[str, Any]) -> list[ColumnError]:
    """What is wrong with a meta document, all of it, each with the place inside it."""
    faults = []
    for error in sorted(_validator().iter_errors(meta), key=lambda e: [str(p) for p in e.path]):
        place = "/".join(str(part) for part in error.path)
        if error.validator == "required":
            place = "/".join(filter(None, [place, error.message.split("'")[1]]))
            faults.append(ColumnError("is missing", META, place))
            continue
        faults.append(ColumnError(_words(error), META, place))
    slots = meta.get("slots")
    if isinstance(slots, list):
        numbers = [row.get("slot") for row in slots if isinstance(row, dict)]
        twice = sorted({n for n in numbers if isinstance(n, int) and numbers.count(n) > 1})
        faults += [ColumnError(f"slot {number} stands twice", META, "slots") for number in twice]
        for at, row in enumerate(slots):
            columns = row.get("channel_numbers") if isinstance(row, dict) else None
            if isinstance(columns, list) and len(columns) != row.get("channels"):
                what = f"has {len(columns)} numbers for {row.get('channels')} channels"
                faults.append(ColumnError(what, META, f"slots/{at}/channel_numbers"))
    return faults


def _words(error: Any) -> str:
    text = str(error.message)
    return text if len(text) <= 160 else text[:80] + " … " + text[-70:]


def text_digest(text: str) -> str:
    """Checksum of a document: XXH3, 64 bits, of its UTF-8 bytes, as hexadecimal."""
    return xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogateescape"))


class Checksums:
    """What the writer said the values were; without a document it says nothing."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        self.there = document is not None
        document = document or {}
        trees = document.get("trees", {})
        known = document.get("algorithm", "xxh3_64") == "xxh3_64" and isinstance(trees, dict)
        if not known:
            raise ColumnError("names an algorithm other than xxh3_64", CHECKSUMS)
        self._meta = document.get("meta")
        self._starts: dict[str, dict[int, int]] = {}
        self._trees: dict[str, dict[str, Any]] = {}
        self.verified: set[tuple[str, str, int]] = set()
        """(tree, column, first entry) of each block that was read and found as written."""
        for name, tree in trees.items():
            if not isinstance(tree, dict) or not isinstance(tree.get("stops"), list):
                raise ColumnError("has no stops", CHECKSUMS, name)
            starts = [0, *tree["stops"][:-1]]
            if not all(isinstance(n, int) for n in tree["stops"]):
                raise ColumnError("has stops that are no numbers", CHECKSUMS, name)
            self._starts[name] = {start: i for i, start in enumerate(starts)}
            self._trees[name] = tree

    def check_meta(self, text: str) -> None:
        """Raises `ColumnError` if the meta document is not as it was written."""
        if self.there and text_digest(text) != self._meta:
            raise ColumnError("does not match its checksum: the file is damaged", META)

    def blocks(self, tree: str) -> list[tuple[int, int]]:
        """The blocks of entries that have a checksum."""
        stops = self._trees.get(tree, {}).get("stops", [])
        return list(zip([0, *stops[:-1]], stops, strict=True)) if stops else []

    @property
    def trees(self) -> list[str]:
        """The trees that the writer wrote."""
        return list(self._trees)

    def columns(self, tree: str) -> list[str]:
        """The columns that the writer wrote of a tree."""
        return [name for name in self._trees.get(tree, {}) if name != "stops"]

    def verify(self, tree: str, column: str, start: int, stop: int, values: Array) -> None:
        """Raises `ColumnError` if a block's values are not as they were written.

        Entries that are no block of the document are taken as they are.
        """
        i = self._starts.get(tree, {}).get(start)
        if i is None or self._trees[tree]["stops"][i] != stop:
            return
        digests = self._trees[tree].get(column)
        if not isinstance(digests, list) or i >= len(digests):
            return
        if block_digest(np.asarray(values)) != digests[i]:
            raise ColumnError(
                "does not match its checksum: the file is damaged", tree, column, start
            )
        self.verified.add((tree, column, start))

    def covers(self, tree: str, column: str, entries: int) -> bool:
        """Whether the document has checksums of all of a column."""
        it = self._trees.get(tree, {})
        stops, digests = it.get("stops", []), it.get(column)
        whole = [0, *stops] == sorted({0, *stops}) and (stops[-1] if stops else 0) == entries
        return whole and isinstance(digests, list) and len(digests) == len(stops)
