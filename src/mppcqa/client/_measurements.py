"""Measured values of many devices, as Arrow, pandas or polars has them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mppcqa.client._asking import BROKEN, Asking, Away

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 1 << 18
LONGEST = 1500
"""Characters of serials in an address; some servers take no line over 4094."""


class Measurements:
    """Values that were chosen; nothing is asked before they are read.

    Columns: serial, stage, quantity, unit, channel (from 0, -1 for the whole device), one for each
    axis (in the axis's unit), value, statistical, systematic (standard uncertainties in the unit of
    the value), bound (``<`` or ``>`` where the value is a limit), analysis, analysis_uuid.
    """

    def __init__(
        self, asking: Asking, asked: Mapping[str, Any], serials: Iterable[str] = ()
    ) -> None:
        self._asking, self._asked = asking, dict(asked)
        self._parts = [*_lines(serials)] or [""]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Record batches while they come, in memory that does not grow; `Away` where it breaks."""
        for part in self._parts:
            yield from self._batches(part)

    def _batches(self, serials: str) -> Iterator[pa.RecordBatch]:
        with self._streamed(serials) as stream:
            yield from stream

    @contextmanager
    def _streamed(self, serials: str) -> Iterator[Any]:
        import pyarrow as pa

        answer = self._open("arrow", serials)
        try:
            with pa.ipc.open_stream(pa.PythonFile(answer, mode="r")) as stream:
                yield stream
        except (*BROKEN, pa.ArrowInvalid) as error:
            raise Away(f"the stream was cut off: {error}") from error
        finally:
            answer.release_conn()

    def arrow(self) -> pa.Table:
        """One table, asked for again where the stream is cut off; without values it has no rows."""
        import pyarrow as pa

        for left in reversed(range(self._asking.tries)):
            try:
                tables = []
                for part in self._parts:
                    with self._streamed(part) as stream:
                        tables.append(stream.read_all())
                return pa.concat_tables(tables)
            except Away:
                if not left:
                    raise
                time.sleep(1)
        raise Away("nothing was tried")

    def pandas(self) -> Any:
        """A pandas.DataFrame; names are categories. Needs pandas."""
        return self.arrow().unify_dictionaries().to_pandas()

    def polars(self) -> Any:
        """A polars.DataFrame; names are categories. Needs polars."""
        import polars

        return polars.from_arrow(self.arrow().unify_dictionaries())

    def save(self, path: str | Path) -> Path:
        """A file, by its ending: ``.csv``, ``.parquet`` or ``.arrows``; whole or not at all."""
        from mppcqa.disk import whole_file

        target = Path(path)
        form = {"arrows": "arrow"}.get(target.suffix[1:], target.suffix[1:])
        if len(self._parts) > 1:
            raise ValueError(
                "too many serials for one file: choose by lot, tray or tag, or batches()"
            )
        answer = self._open(form, self._parts[0])
        try:
            with whole_file(target) as part, part.open("wb") as file:
                for piece in answer.stream(PIECE):
                    file.write(piece)
        except BROKEN as error:
            raise Away(f"the stream was cut off: {error}") from error
        finally:
            answer.release_conn()
        return target

    def _open(self, form: str, serials: str) -> Any:
        asked = {**self._asked, "serials": serials, "format": form}
        return self._asking.ask("GET", "measurements", asked, stream=True)


def _lines(serials: Iterable[str]) -> Iterator[str]:
    """Serials with commas between, never more than an address may be long."""
    line = ""
    for one in serials:
        if len(line) + len(one) >= LONGEST:
            yield line
            line = ""
        line += f",{one}" if line else one
    if line:
        yield line
