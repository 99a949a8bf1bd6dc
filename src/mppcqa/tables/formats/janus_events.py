"""Events of Janus's binary lists: where they begin, and the charges of their channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.measured import Charges
from mppcqa.tables.words import say as _

CHANNELS = 64
LOW, HIGH, ARRIVAL, OVER = 1, 2, 16, 32
UNKNOWN = 0xFF - LOW - HIGH - ARRIVAL - OVER
LEAST = 2 + 1 + 8 + 8 + 8
RELATIVE = 8
"""Bytes of a second time stamp, which some runs have."""
FEW = 3
"""So many gaps in the numbers of triggers are asked about; more are usual."""


def hits(path: Path, data: Any, starts: Any, sizes: Any, step: int) -> tuple[Any, ...]:
    """Event, board, channel, low and high gain of each channel of each event.

    Goes through the channels of all events at once; `step` is 4 where times are in steps.
    """
    relative = _relative(data, starts, sizes, step)
    _refuse_disorder(path, data, starts, relative)
    at = starts + LEAST + relative
    end = starts + sizes
    padded = np.concatenate([data, np.zeros(16, np.uint8)])
    live = np.arange(len(starts))
    masks = _masks(data, starts, relative)
    found: list[tuple[Any, ...]] = []
    for _n in range(CHANNELS + 1):
        live = live[at[live] < end[live]]
        if not len(live):
            break
        here = at[live]
        channel, kind = padded[here], padded[here + 1]
        odd = (channel >= CHANNELS) | ((kind & UNKNOWN) != 0)
        here = here + 2
        values: list[Charges] = []
        for bit in (LOW, HIGH):
            has = (kind & bit) != 0
            number = padded[here].astype(np.float32) + 256.0 * padded[here + 1]
            values.append(np.where(has, number, np.nan).astype(np.float32))
            here = here + 2 * has
        here = here + 4 * ((kind & ARRIVAL) != 0) + (2 if step else 4) * ((kind & OVER) != 0)
        odd |= here > end[live]
        bit = np.left_shift(np.uint64(1), np.minimum(channel, CHANNELS - 1).astype(np.uint64))
        odd |= (masks[live] & bit) == 0
        masks[live] &= ~bit
        if odd.any():
            raise TableError(_broken(path, int(live[np.flatnonzero(odd)[0]])))
        found.append((live, padded[starts[live] + 2], channel.astype(np.int64), *values))
        at[live] = here
    if len(live) and (at[live] < end[live]).any():
        raise TableError(_broken(path, int(live[0])))
    if masks.any():
        raise TableError(_broken(path, int(np.flatnonzero(masks)[0])))
    event, board, channel, low, high = (np.concatenate(x) for x in zip(*found, strict=True))
    if len(np.unique(board)) > 1:  # boards answer one trigger each on its own
        event = _words(data, starts + LEAST - 16 + relative)[event]
    order = np.lexsort((channel, event))
    return event[order].astype(float), board[order], channel[order], low[order], high[order]


def _masks(data: Any, starts: Any, relative: int) -> Any:
    """The mask of channels of each event (n,) uint64."""
    return _words(data, starts + LEAST - 8 + relative)


def _words(data: Any, places: Any) -> Any:
    """Numbers of 64 bits (n,) at some places."""
    at = places[:, None] + np.arange(8)
    return data[np.minimum(at, len(data) - 1)].copy().view("<u8").reshape(-1)


def _broken(path: Path, event: int) -> str:
    return _("%(name)s: event %(n)d does not hold what its size says: it is damaged") % {
        "name": path.name,
        "n": event + 1,
    }


def _relative(data: Any, starts: Any, sizes: Any, step: int) -> int:
    """Bytes of a second time stamp: by the mask of channels of the first event."""
    raw = data[starts[0] : starts[0] + sizes[0]].tobytes()
    for more in (0, RELATIVE):
        at = LEAST + more
        if len(raw) < at:
            break
        mask = int.from_bytes(raw[at - 8 : at], "little")
        channels = [n for n in range(CHANNELS) if mask >> n & 1]
        said = []
        while at + 2 <= len(raw):
            kind = raw[at + 1]
            said.append(raw[at])
            at += 2 + 2 * (kind & 1) + (kind & 2) + 4 * (kind >> 4 & 1)
            at += (2 if step else 4) * (kind >> 5 & 1)
        if at == len(raw) and said == channels:
            return more
    return 0


def _of_boards(data: Any, starts: Any, relative: int) -> Iterator[tuple[int, Any, Any, Any]]:
    """Of each board its events (n,), their time stamps and the numbers of their triggers."""
    boards = data[starts + 2]
    times = _words(data, starts + 3).view("<f8")
    numbers = _words(data, starts + LEAST - 16 + relative)
    for board in np.unique(boards):
        at = np.flatnonzero(boards == board)
        yield int(board), at, times[at], numbers[at]


def _refuse_disorder(path: Path, data: Any, starts: Any, relative: int) -> None:
    """`TableError` where a board's times fall, or the numbers of its triggers do not rise."""
    for _board, at, times, numbers in _of_boards(data, starts, relative):
        good = np.isfinite(times).all() and (times >= 0).all()
        fallen = np.flatnonzero(np.diff(times) < 0) if good else np.array([-1])
        if len(fallen) or (numbers[1:] <= numbers[:-1]).any():
            steps = fallen if len(fallen) else np.flatnonzero(numbers[1:] <= numbers[:-1])
            raise TableError(
                _("%(name)s: event %(n)d has a time or number before the one above: it is damaged")
                % {"name": path.name, "n": int(at[int(steps[0]) + 1]) + 1}
            )


def missing(data: Any, starts: Any, sizes: Any, step: int) -> str:
    """What to ask where few numbers of triggers lack: events may have been lost from the file.

    A file that lost just as many bytes as one event has looks whole but for this. Where many lack,
    the boards were busy.
    """
    relative = _relative(data, starts, sizes, step)
    boards = list(_of_boards(data, starts, relative))
    first = min(int(numbers[0]) for _board, _at, _times, numbers in boards)
    last = max(int(numbers[-1]) for _board, _at, _times, numbers in boards)
    lacking: list[tuple[int, int]] = []
    for board, _at, _times, numbers in boards:
        whole = np.concatenate([[first - 1], numbers.astype(np.int64), [last + 1]])
        gaps = np.flatnonzero(np.diff(whole) > 1)[: FEW + 1]
        lacking += [(board, int(whole[place]) + 1) for place in gaps.tolist()]
    if not 0 < len(lacking) <= min(FEW, len(starts) // 10):
        return ""
    listed = ", ".join(_("%(n)d of board %(b)d") % {"n": n, "b": b} for b, n in lacking)
    return (
        _("triggers are missing (%s): was the board busy, or is the file damaged there?") % listed
    )
