"""Checksums that an RNTuple keeps itself: of its lists of pages and, as ROOT writes, of each page.

XXH3 (64 bits), little-endian, behind what it is about; ROOT's RNTuple binary format specification,
version 1, "Envelopes" and "Page locations". uproot checks that of the anchor in time; those of
header and footer only when it has believed their numbers, which can take minutes.
"""

from __future__ import annotations

import os
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import xxhash

SUM_BYTES = 8


class PageError(Exception):
    """A page or list of pages that is not as it was written."""


class Pages:
    """The pages of an RNTuple that lies in an open file."""

    def __init__(self, ntuple: Any, file_number: int) -> None:
        """Raises `PageError` for a header, footer or list of pages that is damaged."""
        self._file = file_number
        self._checked: set[int] = set()
        for part in ("Header", "Footer"):
            place = SimpleNamespace(
                offset=ntuple.member(f"fSeek{part}"), num_bytes=ntuple.member(f"fNBytes{part}")
            )
            chunk, _cursor = ntuple.read_locator(place, ntuple.member(f"fLen{part}"))
            _check(bytes(chunk.raw_data), f"its {part.lower()}")
        for record in ntuple.footer.cluster_group_records:
            link = record.page_list_link
            chunk, _cursor = ntuple.read_locator(link.locator, link.env_uncomp_size)
            _check(bytes(chunk.raw_data), "its list of pages")
        self._clusters = [
            (int(one.num_first_entry), int(one.num_first_entry + one.num_entries))
            for one in ntuple.cluster_summaries
        ]
        self._lists = ntuple.page_link_list
        if len(self._lists) != len(self._clusters):
            raise PageError("its list of pages is not that of its clusters")
        self._columns: dict[str, list[int]] = defaultdict(list)
        fields = ntuple.field_records
        for number, record in enumerate(ntuple.column_records):
            at = record.field_id
            for _ in fields:
                if fields[at].parent_field_id == at:
                    break
                at = fields[at].parent_field_id
            self._columns[str(fields[at].field_name)].append(number)

    def check(self, field: str, start: int, stop: int) -> None:
        """Hold the pages of a field's entries [start, stop) against their checksums, once each."""
        for (first, last), columns in zip(self._clusters, self._lists, strict=True):
            if last <= start or first >= stop:
                continue
            for number in self._columns[field]:
                for page in columns[number].pages:
                    place = int(page.locator.offset)
                    if page.has_checksum and place not in self._checked:
                        size = int(page.locator.num_bytes) + SUM_BYTES
                        _check(os.pread(self._file, size, place), "a page")
                        self._checked.add(place)


def _check(data: bytes, what: str) -> None:
    content, kept = data[:-SUM_BYTES], data[-SUM_BYTES:]
    if xxhash.xxh3_64_intdigest(content) != int.from_bytes(kept, "little"):
        raise PageError(f"{what} does not match its checksum: the file is damaged")
