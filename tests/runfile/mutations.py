"""Valid run files made bad, each in a way that a seed says."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from tests.runfile.make import META, charges

Random = np.random.Generator
EXTREMES = [0, 1, -1, 2**31 - 1, -(2**31), 2**30, 255, 65536, 10**9]


def some_bytes(rng: Random, data: bytearray, _path: Path) -> None:
    for place in rng.integers(0, len(data), rng.integers(1, 9)):
        data[place] = int(rng.integers(256))


def one_bit(rng: Random, data: bytearray, _path: Path) -> None:
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))


def near_a_name(rng: Random, data: bytearray, _path: Path) -> None:
    """Bytes next to a name in the file: keys, branches, leaves, documents."""
    words = [b"TBranch", b"TLeaf", b"TTree", b"TBasket", b"charge", b"point", b"adc", b"meta",
             b"checksums", b"RNTuple", b"index", b"TObjString"]  # fmt: skip
    word = words[int(rng.integers(len(words)))]
    places = [i for i in range(len(data)) if data.startswith(word, i)] or [len(data) // 2]
    place = places[int(rng.integers(len(places)))] + int(rng.integers(-60, 120))
    for i in range(place, place + int(rng.integers(1, 5))):
        data[i % len(data)] = int(rng.integers(256))


def lying_count(rng: Random, data: bytearray, _path: Path) -> None:
    """A big-endian integer replaced by an extreme one, mostly in the records of keys and trees."""
    starts = [i for w in (b"TTree", b"TBranch", b"TBasket", b"TObjArray", b"root")
              for i in range(len(data)) if data.startswith(w, i)]  # fmt: skip
    place = starts[int(rng.integers(len(starts)))] + int(rng.integers(-40, 400))
    place = min(max(place, 0), len(data) - 8)
    value = EXTREMES[int(rng.integers(len(EXTREMES)))]
    struct.pack_into(">i", data, place, value)


def cut_off(rng: Random, data: bytearray, _path: Path) -> None:
    del data[int(rng.integers(len(data))) :]


def moved(rng: Random, data: bytearray, _path: Path) -> None:
    """A piece zeroed, left out, doubled, or copied over another."""
    length = int(rng.integers(1, 3000))
    place, other = (int(i) for i in rng.integers(0, len(data) - length, 2))
    kind = int(rng.integers(4))
    if kind == 0:
        data[place : place + length] = bytes(length)
    elif kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place:place] = data[other : other + length]
    else:
        data[place : place + length] = data[other : other + length]


def _rewrite(
    path: Path, trees: dict[str, dict[str, np.ndarray]], meta: Any, **options: Any
) -> None:
    with uproot.recreate(path, **options) as file:
        for name, columns in trees.items():
            types = {key: (values.dtype, values.shape[1:]) for key, values in columns.items()}
            file.mktree(name, types).extend(columns)
        file["meta"] = meta if isinstance(meta, str) else json.dumps(meta)


def _plain(rng: Random) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Any]]:
    condition = {"point": np.arange(2, dtype=np.int32)}
    condition |= {
        n: np.full(2, 20.0) for n in ("bias_v", "overvoltage_v", "temperature_c", "light")
    }
    charge = {
        "point": np.repeat(np.arange(2, dtype=np.int32), 10),
        "slot": np.tile(np.repeat(np.array([1, 3], np.int32), 5), 2),
        "charge": charges(0, 1, 20),
    }
    return {"condition": condition, "charge": charge}, json.loads(json.dumps({**META, "layout": 2}))


def wrong_type(rng: Random, data: bytearray, path: Path) -> None:
    trees, meta = _plain(rng)
    tree = trees[str(rng.choice(list(trees)))]
    name = str(rng.choice(list(tree)))
    kinds = [k for k in ("int8", "int64", "uint32", "float64", "float32", "bool", "uint16")
             if k != str(tree[name].dtype)]  # fmt: skip
    tree[name] = tree[name].astype(str(rng.choice(kinds)))
    _rewrite(path, trees, meta)
    data[:] = path.read_bytes()


def wrong_length(rng: Random, data: bytearray, path: Path) -> None:
    trees, meta = _plain(rng)
    kind = int(rng.integers(4))
    if kind == 0:
        meta["slots"][0]["channels"] = int(rng.choice([1, 3, 5, 4096, 10**12]))
    elif kind == 1:
        meta["entries"] = {"charge": int(rng.choice([0, 19, 21, 10**15]))}
    elif kind == 2:
        trees["charge"]["point"] = np.stack([trees["charge"]["point"]] * 2, axis=1)
    else:
        del trees[str(rng.choice(list(trees)))]
    _rewrite(path, trees, meta)
    data[:] = path.read_bytes()


def wrong_document(rng: Random, data: bytearray, path: Path) -> None:
    trees, meta = _plain(rng)
    odd = [None, -1, 1e308, [], {}, "x", [1, [2]], {"slot": {}}, 2**70, False, [None]]
    key = str(rng.choice([k for k in meta if k not in ("gate_s", "decay_s")]))
    kind = int(rng.integers(4))
    if kind == 0:
        meta[key] = odd[int(rng.integers(len(odd)))]
        if key in ("sensors", "instruments", "waveform") and meta[key] in ([], {}):
            meta[key] = 5
        if meta[key] in ("x", -1, 2**70):
            meta["slots"] = "x"
    elif kind == 1:
        del meta["slots"]
    elif kind == 2:
        meta = "[" * int(rng.integers(1, 100_000))
    else:
        meta = json.dumps(meta)[: int(rng.integers(1, 200))]
    _rewrite(path, trees, meta)
    data[:] = path.read_bytes()


def bomb(rng: Random, data: bytearray, path: Path) -> None:
    """Little that unpacks to much: a document, or a branch of one value."""
    trees, meta = _plain(rng)
    if rng.integers(2):
        meta["remark"] = "a" * 80_000_000
    else:
        trees["charge"] = {
            "point": np.zeros(5_000_000, np.int32),
            "slot": np.ones(5_000_000, np.int32),
            "charge": np.zeros((5_000_000, 16), np.float32),
        }
    _rewrite(path, trees, meta, compression=uproot.ZSTD(1))
    data[:] = path.read_bytes()


MUTATIONS: dict[Callable[[Random, bytearray, Path], None], float] = {
    some_bytes: 8, one_bit: 6, near_a_name: 10, lying_count: 10, cut_off: 4, moved: 8,
    wrong_type: 2, wrong_length: 2, wrong_document: 3, bomb: 0.15,
}  # fmt: skip


def mutate(seed: tuple[int, ...], base: bytes, path: Path) -> str:
    """Write a mutated copy of a file's bytes to a path; the mutation's name."""
    rng = np.random.default_rng(seed)
    weights = np.array(list(MUTATIONS.values()))
    chosen = list(MUTATIONS)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    data = bytearray(base)
    chosen(rng, data, path)
    path.write_bytes(data)
    return chosen.__name__
