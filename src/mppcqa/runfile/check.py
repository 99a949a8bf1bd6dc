"""The checker: every fault of a run file at once, with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from mppcqa.runfile.layout import META, META_KEYS, SLOT_KEYS, TREES, VERSION

CHUNK = "20 MB"


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
    if path.stat().st_size == 0:
        return [Fault("the file is empty")]
    try:
        with path.open("rb") as raw:
            if raw.read(4) != b"root":
                return [Fault("this is no ROOT file")]
        with uproot.open(path) as file:
            size, there = int(file.file.fEND), path.stat().st_size
            if there < size:
                return [Fault(f"the file is cut off: {there} of {size} bytes are there")]
            return _check_open(file)
    except Exception as error:
        return [Fault(f"the file can't be read, it may be cut off or damaged: {_short(error)}")]


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _check_open(file: Any) -> list[Fault]:
    faults: list[Fault] = []
    meta = _check_meta(file, faults)
    points: set[int] | None = None
    if tree := _tree(file, "condition", faults):
        points = _check_conditions(tree, faults)
    slots = {slot["slot"]: slot["channels"] for slot in meta.get("slots", [])}
    if tree := _tree(file, "charge", faults):
        _check_charges(tree, points, slots, faults)
    for name, expected in meta.get("entries", {}).items():
        there = file[name].num_entries if name in file else 0
        if there != expected:
            faults.append(Fault(f"has {there} entries, meta says {expected}", name))
    return faults


def _check_meta(file: Any, faults: list[Fault]) -> dict[str, Any]:
    if META not in file:
        faults.append(Fault("is missing; a program writes it last, so the run did not end", META))
        return {}
    try:
        meta = json.loads(str(file[META]))
    except ValueError as error:
        faults.append(Fault(f"is no JSON: {error}", META))
        return {}
    if not isinstance(meta, dict):
        faults.append(Fault("is no JSON object", META))
        return {}
    faults.extend(Fault("is missing", META, key) for key in META_KEYS if key not in meta)
    if "layout" in meta and meta["layout"] != VERSION:
        faults.append(Fault(f"is {meta['layout']!r}, this program knows {VERSION}", META, "layout"))
    slots = meta.get("slots", [])
    good = isinstance(slots, list) and all(
        isinstance(slot, dict)
        and all(key in slot for key in SLOT_KEYS)
        and isinstance(slot["slot"], int)
        and isinstance(slot["channels"], int)
        for slot in slots
    )
    if not good:
        faults.append(
            Fault(f"must be a list of objects with {', '.join(SLOT_KEYS)}", META, "slots")
        )
        meta["slots"] = []
    if not isinstance(meta.get("entries", {}), dict):
        meta["entries"] = {}
    return meta


def _tree(file: Any, name: str, faults: list[Fault]) -> Any:
    """The tree if it is there with all its branches, else None and faults."""
    if name not in file:
        faults.append(Fault("the tree is missing", name))
        return None
    tree = file[name]
    if getattr(tree, "classname", "") != "TTree":
        faults.append(Fault(f"is a {type(tree).__name__}, must be a TTree", name))
        return None
    complete = True
    for branch in TREES[name]:
        if branch.name not in tree:
            faults.append(Fault("the branch is missing", name, branch.name))
            complete = False
            continue
        kind = np.dtype(tree[branch.name].interpretation.numpy_dtype).base
        if kind.newbyteorder("=") != np.dtype(branch.kind):
            faults.append(Fault(f"is {kind}, must be {branch.kind}", name, branch.name))
            complete = False
    return tree if complete else None


def _check_conditions(tree: Any, faults: list[Fault]) -> set[int]:
    values = tree.arrays(library="np")
    for branch in TREES["condition"]:
        bad = np.flatnonzero(~np.isfinite(values[branch.name]))
        if branch.finite and len(bad):
            text = f"{len(bad)} values are not finite"
            faults.append(Fault(text, "condition", branch.name, int(bad[0])))
    points, first, count = np.unique(values["point"], return_index=True, return_counts=True)
    for point, entry in zip(points[count > 1], first[count > 1], strict=True):
        faults.append(Fault(f"point {point} stands twice", "condition", "point", int(entry)))
    if not len(points):
        faults.append(Fault("no measuring point", "condition"))
    return set(points.tolist())


def _check_charges(
    tree: Any, points: set[int] | None, slots: dict[int, int], faults: list[Fault]
) -> None:
    if tree.num_entries == 0:
        faults.append(Fault("no events", "charge"))
        return
    width = tree["charge"].interpretation.inner_shape
    channels = width[0] if width else 1
    for slot, expected in slots.items():
        if expected != channels:
            faults.append(
                Fault(f"{channels} channels, slot {slot} has {expected}", "charge", "charge")
            )
    start = 0
    unknown: dict[str, tuple[int, int]] = {}
    not_finite, first_bad = 0, 0
    for chunk in tree.iterate(step_size=CHUNK, library="np"):
        for name, known in (("point", points), ("slot", set(slots) or None)):
            if known is None:
                continue
            bad = np.flatnonzero(~np.isin(chunk[name], list(known)))
            if len(bad) and name not in unknown:
                unknown[name] = (start + int(bad[0]), int(chunk[name][bad[0]]))
        bad = np.flatnonzero(~np.isfinite(chunk["charge"]).reshape(len(chunk["point"]), -1).all(1))
        if len(bad) and not not_finite:
            first_bad = start + int(bad[0])
        not_finite += len(bad)
        start += len(chunk["point"])
    for name, (entry, value) in unknown.items():
        where = "condition" if name == "point" else "meta"
        faults.append(Fault(f"{name} {value} is not in {where}", "charge", name, entry))
    if not_finite > 0.01 * start:
        text = f"{not_finite} of {start} entries have charges that are not finite"
        faults.append(Fault(text, "charge", "charge", first_bad))
