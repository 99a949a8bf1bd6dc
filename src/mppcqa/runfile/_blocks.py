"""Unpacking a basket's bytes into memory of a known size.

A basket that claims to unpack to anything but its entries is refused before anything is unpacked,
so a file can't make us allocate more than its entries need. Block format: a header of nine bytes
(two letters for the algorithm, one for its version, packed and unpacked size in three bytes each),
as ROOT's ``RZip`` writes it; LZ4 blocks carry an xxh64 checksum.
"""

from __future__ import annotations

import lzma
import zlib

import cramjam
import numpy as np
import xxhash
from numpy.typing import NDArray

_HEADER = 9


class BlockError(Exception):
    """Packed bytes that can't be unpacked."""


def unpacked(packed: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The `size` bytes that packed ones hold; the same array where they are stored as they are.

    Raises `BlockError` if they don't unpack to just that size.
    """
    if len(packed) == size:
        return packed
    out = np.empty(size, np.uint8)
    view, place, done = memoryview(packed), 0, 0
    while done < len(out):
        head = view[place : place + _HEADER]
        if len(head) < _HEADER:
            raise BlockError("packed data end early")
        stored = int.from_bytes(head[3:6], "little")
        size = int.from_bytes(head[6:9], "little")
        body = view[place + _HEADER : place + _HEADER + stored]
        if len(body) != stored or not 0 < size <= len(out) - done:
            raise BlockError("packed data claim a size that they don't have")
        try:
            _block(bytes(head[:2]), body, out[done : done + size])
        except BlockError:
            raise
        except Exception as error:
            raise BlockError(f"packed data are damaged ({type(error).__name__})") from None
        place, done = place + _HEADER + stored, done + size
    if place != len(packed):
        raise BlockError("more packed data than its size says")
    return out


def _block(algorithm: bytes, body: memoryview, out: NDArray[np.uint8]) -> None:
    size = len(out)
    if algorithm == b"L4":
        data = body[8:]
        if xxhash.xxh64_intdigest(data) != int.from_bytes(body[:8], "big"):
            raise BlockError("data don't match their checksum")
        filled = cramjam.lz4.decompress_block_into(data, out, output_len=size)
    elif algorithm == b"ZS":
        filled = cramjam.zstd.decompress_into(body, out)
    elif algorithm == b"ZL":
        plain = zlib.decompressobj().decompress(body, size + 1)
        filled = _copy(plain, out)
    elif algorithm == b"XZ":
        plain = lzma.LZMADecompressor(memlimit=200_000_000).decompress(bytes(body), size + 1)
        filled = _copy(plain, out)
    else:
        raise BlockError(f"packed by an unknown algorithm {algorithm!r}")
    if filled != size:
        raise BlockError("packed data unpack to another size than claimed")


def _copy(plain: bytes, out: NDArray[np.uint8]) -> int:
    if len(plain) == len(out):
        out[:] = np.frombuffer(plain, np.uint8)
    return len(plain)
