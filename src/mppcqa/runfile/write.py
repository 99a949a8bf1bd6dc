"""Writing a run file: streamed, and under its final name only once it is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mppcqa.disk import settle
from mppcqa.loading import Later
from mppcqa.runfile._documents import text_digest
from mppcqa.runfile._streams import Stream
from mppcqa.runfile.layout import (
    BEGUN,
    CHECKSUMS,
    INDEX,
    META,
    TREE_NUMBERS,
    TREES,
    VERSION,
    WHOLE_DEVICE,
    RunFileError,
    axes_of,
    tree_of,
)

if TYPE_CHECKING:
    import uproot
else:
    uproot = Later("uproot")

NAN = float("nan")


class RunWriter:
    """Writes one run; use it in a ``with`` statement.

    The file is written beside its final name with the ending ``.part`` and renamed when the block
    ends well, so that half a file never looks like a whole one. Memory stays at a few baskets. What
    a program that died had written for more than ten seconds is in the ``.part`` file, and
    `mppcqa.runfile.recover` makes a run file of it.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.root"
    >>> slots = [{"slot": 0, "serial": "A-1", "channels": 2}]
    >>> with RunWriter(path, {"run": 1, "stage": "stage2", "station": "s", "operator": "ana",
    ...                       "program": "test 1", "started": "2026-01-01T00:00:00Z",
    ...                       "slots": slots, "waveform": {"samples": 3, "sampling_s": 1e-9},
    ...                       "sensors": [{"sensor": 0, "name": "box", "unit": "degC"}]}) as writer:
    ...     writer.point(0, bias_v=71.0, temperature_c=20.0, light=0.0)
    ...     writer.charges(0, 0, [[1.0, 2.0], [1.5, 2.5]])
    ...     writer.waveforms(0, 0, 1, [[0, 9, 4]], scale_v=1e-3)
    ...     curve = writer.iv(0, 1, [70, 71, 72], [1e-9, 2e-9, 9e-8], temperature_c=20, light=0)
    ...     writer.monitor(0, [0.0, 60.0], [20.1, 20.2])
    >>> path.exists()
    True
    """

    def __init__(
        self,
        path: Path,
        meta: Mapping[str, Any],
        *,
        format: Literal["ttree", "rntuple"] = "ttree",
        compression: Any = None,
    ) -> None:
        """`meta` as `docs/run-file.md` says, without ``layout`` and ``entries``.

        `format` is what the trees are written as; `compression` is one of uproot's, LZ4 by default.
        """
        self.path = Path(path)
        self.meta: dict[str, Any] = {**meta, "layout": VERSION}
        counts = {int(slot["channels"]) for slot in self.meta["slots"]}
        if len(counts) != 1:
            raise RunFileError(
                f"{path}: the devices of a run must have the same number of channels, "
                f"not {sorted(counts)}"
            )
        self.channels = counts.pop()
        self.samples = int(self.meta.get("waveform", {}).get("samples", 0))
        self._sensors = {int(row["sensor"]) for row in self.meta.get("sensors", [])}
        self._rntuple = format == "rntuple"
        self._compression = uproot.LZ4(1) if compression is None else compression
        self._part = self.path.with_name(self.path.name + ".part")
        self._streams: dict[str, Stream] = {}
        self._points: set[int] = set()
        self._curves = 0

    def __enter__(self) -> Self:
        self._file = uproot.recreate(self._part, compression=self._compression)
        self._file[BEGUN] = json.dumps(self.meta)
        self._stream("condition")
        return self

    def _stream(self, name: str, without: tuple[str, ...] = ()) -> Stream:
        if name not in self._streams:
            widths = {"channels": self.channels, "samples": self.samples}
            layout = tree_of(name, self.meta)
            columns = [b.name for b in layout.branches if b.name not in without]
            conditions = self._streams.get("condition")
            before = conditions.flush if conditions else _nothing
            self._streams[name] = Stream(self._file, layout, widths, columns, self._rntuple, before)
        return self._streams[name]

    def point(
        self,
        point: int,
        *,
        bias_v: float = NAN,
        temperature_c: float = NAN,
        light: float = NAN,
        overvoltage_v: float = NAN,
        bias_read_v: float = NAN,
        temperature_set_c: float = NAN,
        time_s: float = NAN,
        **axes: float,
    ) -> None:
        """Declare a measuring point: a value for each axis that ``meta["axes"]`` lists.

        Without that list bias, temperature and light are needed. `axes` are those of the list that
        have no name here (``wavelength_nm=405``).

        `bias_v` is the bias that was set and `bias_read_v` what was read back; `temperature_c` the
        devices' temperature and `temperature_set_c` what was asked for; `light` the light source's
        setting, 0 in the dark; `time_s` the point's beginning, seconds since the run's.
        """
        if point in self._points:
            raise RunFileError(f"{self.path}: point {point} was declared before")
        self._points.add(point)
        values: dict[str, float] = {
            **axes,
            "bias_v": bias_v,
            "overvoltage_v": overvoltage_v,
            "temperature_c": temperature_c,
            "light": light,
            "bias_read_v": bias_read_v,
            "temperature_set_c": temperature_set_c,
            "time_s": time_s,
        }
        layout = tree_of("condition", self.meta)
        known = {branch.name for branch in layout.branches}
        if unknown := sorted(axes.keys() - known):
            raise RunFileError(
                f"{self.path}: point {point} has {', '.join(unknown)}; meta's axes are "
                f"{', '.join(axes_of(self.meta))}"
            )
        needed = {b.name for b in layout.branches if b.finite and b.name != "point"}
        if lacking := sorted(key for key in needed if not np.isfinite(values.get(key, NAN))):
            raise RunFileError(f"{self.path}: point {point} needs a number for {lacking}")
        rows: dict[str, NDArray[Any]] = {key: np.array([value]) for key, value in values.items()}
        self._stream("condition").append({"point": np.array([point], np.int32), **rows})

    def charges(
        self, point: int, slot: int, charges: ArrayLike, time_s: ArrayLike | None = None
    ) -> None:
        """Append charges (events, channels) of the device in a slot at a point.

        `time_s` (events,) is each trigger's time, seconds since the run's beginning; it is given
        with every call of a run or with none.
        """
        values = np.asarray(charges, np.float32)
        if values.ndim != 2 or values.shape[1] != self.channels:
            raise RunFileError(
                f"{self.path}: charges of slot {slot} have the shape {values.shape}; expected "
                f"(events, {self.channels})"
            )
        stream = self._stream("charge", without=("time_s",) if time_s is None else ())
        if ("time_s" in stream.columns) == (time_s is None):
            raise RunFileError(f"{self.path}: time_s must be given with every call or with none")
        rows = {"charge": values, **_same(len(values), point=point, slot=slot)}
        if time_s is not None:
            rows["time_s"] = self._length(time_s, len(values), "time_s")
        stream.append(rows, (point, slot, WHOLE_DEVICE))

    def waveforms(
        self,
        point: int,
        slot: int,
        channel: int,
        adc: ArrayLike,
        *,
        scale_v: float,
        offset_v: float = 0.0,
        event: ArrayLike | None = None,
    ) -> None:
        """Append waveforms (waveforms, samples) of one channel as 16-bit integers.

        A sample is ``offset_v + scale_v * adc`` volts; the samples' number and interval stand in
        ``meta["waveform"]``. `event` (waveforms,) is each one's number among the charges of the
        same point and slot; -1, the default, where there is none.
        """
        values = np.asarray(adc)
        if values.ndim != 2 or values.shape[1] != self.samples or not self.samples:
            raise RunFileError(
                f"{self.path}: waveforms have the shape {values.shape}; expected (waveforms, "
                f"{self.samples}), which is meta's waveform/samples"
            )
        if values.dtype != np.int16:
            whole = np.asarray(values, np.int16)
            if not np.array_equal(whole, values):
                raise RunFileError(f"{self.path}: waveforms must be 16-bit integers")
            values = whole
        number = np.full(len(values), -1, np.int32) if event is None else event
        rows = {
            "adc": values,
            **_same(len(values), point=point, slot=slot, channel=channel),
            "event": self._length(number, len(values), "event").astype(np.int32),
            "scale_v": np.full(len(values), scale_v, np.float64),
            "offset_v": np.full(len(values), offset_v, np.float64),
        }
        self._stream("waveform").append(rows, (point, slot, channel))

    def iv(
        self,
        slot: int,
        channel: int,
        voltage_v: ArrayLike,
        current_a: ArrayLike,
        *,
        temperature_c: float,
        light: float,
        current_uncertainty_a: ArrayLike | None = None,
    ) -> int:
        """Append a current-voltage curve in the order it was measured; its number comes back.

        `voltage_v` (points,) is positive in reverse, negative in forward direction; `current_a`
        (points,) likewise. `channel` is `WHOLE_DEVICE` for all channels of a device in parallel.
        """
        voltage = np.asarray(voltage_v, np.float64).reshape(-1)
        count = len(voltage)
        error = np.full(count, NAN) if current_uncertainty_a is None else current_uncertainty_a
        rows = {
            **_same(count, curve=self._curves, slot=slot, channel=channel),
            "voltage_v": voltage,
            "current_a": self._length(current_a, count, "current_a"),
            "current_uncertainty_a": self._length(error, count, "current_uncertainty_a"),
            "temperature_c": np.full(count, temperature_c, np.float64),
            "light": np.full(count, light, np.float64),
        }
        self._stream("iv").append(rows, (self._curves, slot, channel))
        self._curves += 1
        return self._curves - 1

    def staircase(
        self,
        point: int,
        slot: int,
        channel: int,
        threshold: ArrayLike,
        rate_hz: ArrayLike,
        rate_uncertainty_hz: ArrayLike | None = None,
    ) -> None:
        """Append rates (thresholds,) of one channel at thresholds (thresholds,), in the unit of
        ``meta["threshold_unit"]``; uncertainties (thresholds,) are standard ones."""
        thresholds = np.asarray(threshold, np.float64).reshape(-1)
        count = len(thresholds)
        error = np.full(count, NAN) if rate_uncertainty_hz is None else rate_uncertainty_hz
        rows = {
            **_same(count, point=point, slot=slot, channel=channel),
            "threshold": thresholds,
            "rate_hz": self._length(rate_hz, count, "rate_hz"),
            "rate_uncertainty_hz": self._length(error, count, "rate_uncertainty_hz"),
        }
        self._stream("staircase").append(rows, (point, slot, channel))

    def monitor(self, sensor: int, time_s: ArrayLike, value: ArrayLike) -> None:
        """Append readings of a sensor of ``meta["sensors"]``: seconds since the run's beginning,
        and values in the sensor's unit; one each or arrays of one length."""
        if sensor not in self._sensors:
            raise RunFileError(f"{self.path}: sensor {sensor} is not in meta's sensors")
        times = np.atleast_1d(np.asarray(time_s, np.float64))
        rows = {
            "time_s": times,
            **_same(len(times), sensor=sensor),
            "value": self._length(np.atleast_1d(np.asarray(value)), len(times), "value"),
        }
        self._stream("monitor").append(rows)

    def flush(self) -> None:
        """Bring what was given so far onto disk, where it survives this program's death."""
        for stream in self._streams.values():
            stream.flush()

    def _length(self, values: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
        array = np.asarray(values, np.float64)
        if array.shape != (count,):
            raise RunFileError(f"{self.path}: {name} has the shape {array.shape}, not ({count},)")
        return array

    def _finish(self) -> None:
        if not self._points:
            raise RunFileError(
                f"{self.path}: no measuring point: call point() once for each condition that was "
                "measured at, of current-voltage curves too"
            )
        self.flush()
        blocks = [
            (TREE_NUMBERS[name], *block)
            for name, stream in self._streams.items()
            for block in stream.blocks
        ]
        if blocks:
            table = np.array(blocks, np.int64)
            names = [branch.name for branch in TREES[INDEX].branches]
            self._stream(INDEX).append({name: table[:, i] for i, name in enumerate(names)})
            self._stream(INDEX).flush()
        self.meta["entries"] = {name: stream.entries for name, stream in self._streams.items()}
        self.meta["checksums"] = True
        text = json.dumps(self.meta)
        sums = {
            "algorithm": "xxh3_64",
            "meta": text_digest(text),
            "trees": {name: stream.digests for name, stream in self._streams.items()},
        }
        self._file[CHECKSUMS] = json.dumps(sums, separators=(",", ":"))
        self._file[META] = text

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
            else:
                self.flush()
        finally:
            self._file.close()
        if kind is None:
            settle(self._part, self.path)


def _nothing() -> None:
    """The conditions wait for nothing."""


def _same(count: int, **values: int) -> dict[str, NDArray[Any]]:
    """A column of equal numbers for each name."""
    return {name: np.full(count, value, np.int32) for name, value in values.items()}
