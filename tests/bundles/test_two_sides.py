"""Two installations send devices to and fro while both go on measuring: both agree at the end.

With MariaDB the other side is on SQLite; each has its own home, key and store.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import side
from tests.databases import empty_database
from tests.thoroughness import tries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]
HERE, THERE = "Newport News", "Santiago"
ROUNDS = 5


def asker(process: subprocess.Popen[str]) -> Callable[..., Any]:
    """Calls of `side` in a child."""
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(name: str, /, **arguments: Any) -> Any:
        print(json.dumps([name, arguments]), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        assert answer, f"{name} at the other side ended in an error; see above"
        return json.loads(answer)

    return ask


def test_both_sides_agree_after_five_rounds(tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        empty_database(tmp_path / "there", kind="sqlite") as environment,
        subprocess.Popen(
            [sys.executable, "-m", "tests.bundles.side"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        there = asker(process)
        mine = side.start(HERE, devices=tries(6, 500))
        side.trust(**there("start", name=THERE))
        there("trust", **mine)
        sizes = [one for number in range(ROUNDS) for one in _round(number, there, tmp_path)]
        # What arrived here last is told, and what was said by then.
        last = _last_shipment()
        side.write(last, str(tmp_path / "end"))
        there("take", path=str(tmp_path / "end"))
        there("write", shipment=last, to=str(tmp_path / "thanks"))
        side.take(str(tmp_path / "thanks"))
        here, other = side.content(), there("content")
        assert process.stdin is not None
        process.stdin.close()
    here = json.loads(json.dumps(here))
    assert here["summaries"] == other["summaries"] == []
    for name in here:
        assert here[name] == other[name], name
    assert len({one[0] for one in here["values"]}) == 4 * ROUNDS
    assert len(here["shipments"]) == 2 * ROUNDS
    print(
        f"{len(here['devices'])} devices, {len(here['values'])} values, {ROUNDS} times to and fro: "
        f"{time.monotonic() - began:.0f} s; bundles of {min(sizes)} to {max(sizes)} bytes"
    )


def _round(number: int, there: Callable[..., Any], folder: Path) -> list[int]:
    """Out, measured on both sides meanwhile, and back."""
    out, back = folder / f"out-{number}", folder / f"back-{number}"
    side.measure(10 * number)
    side.waive()
    box = side.ship(HERE, THERE)
    sizes = [side.write(box, str(out), run_files=number == 1)]
    told = there("take", path=str(out))["counts"]
    assert "differs" not in told["values"]
    missing = ["GX-0002"] if number == 2 else []
    damaged = {"GX-0003": "a pin is bent"} if number == 3 else {}
    there("receive", shipment=box, missing=missing, damaged=damaged)
    if missing:
        there("receive_late", shipment=box, serials=missing)
    there("release")
    side.measure(10 * number + 1)  # an import of what was measured before
    there("measure", seed=10 * number + 2)
    there("measure", seed=10 * number + 3)
    there("waive")
    if number == 1:
        there("rename", serial="GX-0001", to="GX-0001B")
        side.rename("GX-0004", "GX-0004C")
    if number == 3:
        side.rename("GX-0005", "GX-A")
        there("rename", serial="GX-0005", to="GX-B")
    box = there("ship", origin=THERE, destination=HERE)
    sizes.append(there("write", shipment=box, to=str(back)))
    assert "differs" not in side.take(str(back))["counts"]["values"]
    side.receive(box, [], {})
    return sizes


def _last_shipment() -> str:
    from mppcqa.inventory.models import Shipment

    return str(Shipment.objects.order_by("-packed_at")[0].uuid)
