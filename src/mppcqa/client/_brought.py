"""A run that a program measures by itself: what to measure, where to write, and its way home."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mppcqa.client._asking import Asking, Away, place
from mppcqa.disk import measure_file, whole_file

DONE, CONFIG, FILE = "done.json", "run.json", "run.root"


class OwnRun:
    """What is to be measured stands in `config`, and the run file goes to `path`.

    When the block ends its file is brought. Where the server is away it stays in the spool, for
    `Client.bring`; where the block raises, nothing is brought and the folder stays.
    """

    def __init__(
        self,
        asking: Asking,
        stage: str,
        devices: Mapping[int, str],
        parameters: Mapping[str, Any],
        spool: Path,
        station: str,
    ) -> None:
        self._asking, self._spool = asking, spool
        self._plan = {
            "stage": stage,
            "slots": {str(slot): serial for slot, serial in devices.items()},
            "parameters": dict(parameters),
            "station": station,
        }
        self.config: dict[str, Any] = {}
        """What a station's test program gets as ``run.json``."""
        self.folder = self.path = Path()
        self.number = 0
        """Of the run, once it is brought."""

    def __enter__(self) -> Self:
        self.config = self._asking.post("plans", self._plan)
        self.folder = self._spool / self.config["run_uuid"]
        self.folder.mkdir(parents=True)
        with whole_file(self.folder / CONFIG) as part:
            part.write_text(json.dumps(self.config, indent=1))
        self.path = self.folder / FILE
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        if not self.path.is_file():
            raise FileNotFoundError(f"nothing was written to {self.path}")
        found = measure_file(self.path).sha256
        uuid, now = self.config["run_uuid"], dt.datetime.now(dt.UTC).isoformat()
        said = {**self._plan, "uuid": uuid, "sha256": found, "measured_at": now}
        with whole_file(self.folder / DONE) as part:
            part.write_text(json.dumps(said))
        with suppress(Away):  # it lies in the spool then
            self.number = bring_one(self._asking, self.folder)


def bring_one(asking: Asking, folder: Path) -> int:
    """Bring what was measured, from where a former try was cut off; the run's number."""
    said = json.loads((folder / DONE).read_text())
    bring_file(asking, folder / FILE, said["sha256"])
    number = int(asking.post("runs", said)["id"])
    shutil.rmtree(folder)
    return number


def bring_file(asking: Asking, path: Path, sha256: str) -> None:
    """A file in pieces; what is there already is not sent again."""
    where, size = place("uploads", sha256), path.stat().st_size
    here = asking.get(where)
    with path.open("rb") as data:
        while not here["whole"]:
            data.seek(here["size"])
            piece = data.read(here["piece_bytes"])
            headers = {
                "Content-Type": "application/octet-stream",
                "X-Piece-SHA256": hashlib.sha256(piece).hexdigest(),
            }
            asked = {"offset": here["size"], "size": size}
            here = json.loads(asking.ask("PUT", where, asked, data=piece, headers=headers).data)


def spooled(spool: Path) -> Iterator[Path]:
    """Folders of a spool that were measured and not brought, the oldest first."""
    found = [path.parent for path in spool.glob(f"*/{DONE}")]
    yield from sorted(found, key=lambda folder: (folder / DONE).stat().st_mtime)
