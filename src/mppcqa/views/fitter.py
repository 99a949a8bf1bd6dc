"""Fits of one spectrum while somebody waits, made by a process that has all of it loaded.

A web server's process would need seconds to load what fits, each of them, and could not be ended in
the middle. The process (`mppcqa fitter`) listens on a socket in the home folder, which nobody else
may enter; what is asked and answered is one line of JSON each.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from mppcqa.refused import Refused
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import RunFileError
from mppcqa.runs.models import RunFile
from mppcqa.stages import Stage, all_stages
from mppcqa.views.cells import open_run
from mppcqa.views.spectrum import Spectrum, from_plain, how_read, spectrum

SOCKET = "fitter.sock"
LIMIT_S = 10.0
"""After so long an answer is given up, and the process that makes it ended."""
WAITING_S = 5.0
"""What a caller waits besides: another's answer may be before it, or the process be starting."""
MOST_BYTES = 4 << 20
"""Of a line."""
KEPT = 64


class FitRefused(Refused):
    """No fit was made; the message says why."""


class NobodyFits(FitRefused):
    """There is no process that would."""


@contextmanager
def socket_address() -> Iterator[str]:
    """Where the socket is, as short as the kernel wants it, however long the home's path is."""
    folder = os.open(settings.MPPCQA_HOME, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


def ask(
    row: RunFile, slot: int, column: int, point: int, chosen: list[Mapping[str, Any]]
) -> list[Spectrum | None]:
    """The spectrum of a channel at a point, fitted with each of the settings in `chosen`.

    These are checked settings of the run's stage. None where the file has no events there. Raises
    `FitRefused`: where no process answers, where it takes too long, and for what it refuses.
    """
    asked = {
        "file": row.pk,
        "slot": slot,
        "column": column,
        "point": point,
        "chosen": [dict(one) for one in chosen],
    }
    try:
        with socket.socket(socket.AF_UNIX) as link, socket_address() as address:
            link.settimeout(LIMIT_S + WAITING_S)
            link.connect(address)
            link.sendall(json.dumps(asked).encode() + b"\n")
            told = json.loads(read_line(link) or "null")
    except (FileNotFoundError, ConnectionRefusedError):
        raise NobodyFits(
            _("No process fits at the moment: `mppcqa run` and `mppcqa fitter` start it.")
        ) from None
    except (OSError, ValueError):
        told = None
    if told is None:
        raise FitRefused(_("The fit was given up: it took longer than %d s.") % LIMIT_S)
    if "fault" in told:
        raise FitRefused(told["fault"])
    return [from_plain(one) for one in told["spectra"]]


def read_line(link: socket.socket) -> bytes:
    """What comes up to the first end of a line, `MOST_BYTES` at most."""
    parts = bytearray()
    while not parts.endswith(b"\n") and len(parts) <= MOST_BYTES:
        some = link.recv(1 << 16)
        if not some:
            break
        parts += some
    return bytes(parts)


def answer(line: bytes) -> dict[str, Any]:
    """What the process says to a line: plain JSON, ``spectra`` or a ``fault`` in words."""
    asked = json.loads(line)
    row = RunFile.objects.select_related("run").get(pk=asked["file"])
    place = asked["slot"], asked["column"], asked["point"]
    chosen = [json.dumps(one, sort_keys=True) for one in asked["chosen"]]
    try:
        with suppress(KeyError):
            return {"spectra": [_kept[(row.pk, *place, one)] for one in chosen]}
        with open_run(row) as opened:
            return {"spectra": [_fitted(opened, row, place, one) for one in chosen]}
    except (RunFileError, ValueError) as fault:
        return {"fault": str(fault)}
    except MemoryError:
        return {"fault": _("There is not enough memory for it.")}


def fit_here(
    opened: OpenRunFile,
    row: RunFile,
    place: tuple[int, int, int],
    chosen: list[Mapping[str, Any]],
) -> list[Spectrum | None]:
    """The same in this process; raises `FitRefused`."""
    try:
        return [
            from_plain(_fitted(opened, row, place, json.dumps(one, sort_keys=True)))
            for one in chosen
        ]
    except ValueError as fault:
        raise FitRefused(str(fault)) from None


_kept: dict[tuple[Any, ...], dict[str, Any] | None] = {}


def _fitted(
    opened: OpenRunFile, row: RunFile, place: tuple[int, int, int], chosen: str
) -> dict[str, Any] | None:
    """One spectrum; kept, so that what counts now is not fitted at each click."""
    key = (row.pk, *place, chosen)
    if key not in _kept:
        from mppcqa.stages.fitting import AS_USUAL, fitting_of

        stage = _stage_of(row)
        slot, column, point = place
        how, read = AS_USUAL, None
        if stage is not None:
            how = fitting_of(stage.clean_settings(json.loads(chosen)))
            read = how_read(opened, stage, slot)
        made = spectrum(opened, slot, column, point, how, read)
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = None if made is None else vars(made)
    return _kept[key]


def _stage_of(row: RunFile) -> Stage | None:
    """None where its package is no longer installed."""
    known = {one.key: one for one in all_stages()}
    return None if row.run is None else known.get(row.run.stage)


@lru_cache(maxsize=1)
def warm_up() -> Path:
    """Load, and make ready, all that a fit needs; where the socket is.

    Spectra that are quickly fitted, the dark one in the bins of the other: where a model is in
    trouble each other one is tried, for a second.
    """
    import numpy as np

    from mppcqa.physics import expected_counts, fit_spectra, histogram_charges

    rng = np.random.default_rng(1)
    light, dark = (rng.normal(0, 5.0, 2000) + 40.0 * rng.poisson(mean, 2000) for mean in (1.5, 0.1))
    counts, edges, _bad = histogram_charges(light[:, None])
    beside = np.histogram(dark, edges[0])[0][None]
    for row, shines in ((counts, True), (beside, False)):
        fits = fit_spectra(row, edges, light=shines)
        expected_counts(fits, 0, edges[0], 2000, light=shines)
    fit_spectra(counts, edges, dark_counts=beside)
    return Path(settings.MPPCQA_HOME) / SOCKET
