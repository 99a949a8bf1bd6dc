"""What is part of what: mounted, swapped, taken out; nothing is at two places, all is traceable."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.assembly import (
    AssemblyRefused,
    Mount,
    mount,
    parts_of,
    take_out,
)
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.mountings import Mounting

JANUARY, MARCH, MAY = (dt.date(2026, month, 1) for month in (1, 3, 5))


@pytest.fixture
def board(db: None) -> dict[str, int]:
    """A module, two boards, and single SiPMs."""
    DeviceType.objects.create(name="module", rows=1, columns=1)
    DeviceType.objects.create(name="SiPM", rows=1, columns=1)
    register_devices(
        [{"serial": name, "device_type": "module"} for name in ("MOD", "B-1", "B-2")]
        + [{"serial": f"S-{n}", "device_type": "SiPM"} for n in range(4)]
    )
    return dict(Device.objects.values_list("serial", "pk"))


def at(position: str, **more: str) -> dict[str, str]:
    return {"pos": position, **more}


def spans(part: int) -> list[tuple[object, object, object]]:
    rows = Mounting.objects.filter(part=part).order_by("since", "id")
    return [(row.whole and row.whole.serial, row.since, row.until) for row in rows]


def test_a_part_is_in_its_whole_from_a_day_on(board: dict[str, int], operator: User) -> None:
    done = mount(
        [
            Mount(board["S-0"], board["B-1"], at("1", bias_channel="3"), since=JANUARY),
            Mount(board["B-1"], board["MOD"], at("7"), since=MARCH),
        ],
        by=operator,
    )
    assert (done.new, done.ended, done.unchanged) == (2, 0, 0)
    part = Device.objects.get(serial="S-0")
    assert (part.parent_id, part.installed) == (board["B-1"], {"pos": "1", "bias_channel": "3"})
    assert set(parts_of([board["MOD"]])) == {board["B-1"], board["S-0"]}
    assert Mounting.objects.filter(told_by=operator).count() == 2


def test_a_swapped_part_stays_traceable(board: dict[str, int], operator: User) -> None:
    mount([Mount(board["S-0"], board["B-1"], at("1"), since=JANUARY)])
    with pytest.raises(AssemblyRefused, match="The place is taken"):
        mount([Mount(board["S-1"], board["B-1"], at("1"), since=MARCH)])
    assert spans(board["S-1"]) == []
    done = mount(
        [Mount(board["S-1"], board["B-1"], at("1"), since=MARCH, why="leaks")],
        by=operator,
        replace=True,
    )
    assert (done.new, done.ended) == (1, 1)
    assert spans(board["S-0"]) == [("B-1", JANUARY, MARCH)]
    assert spans(board["S-1"]) == [("B-1", MARCH, None)]
    former = Device.objects.get(serial="S-0")
    assert (former.parent_id, former.installed) == (None, {})
    row = Mounting.objects.get(part=board["S-0"])
    assert (row.why, row.ended_by) == ("leaks", operator)


def test_a_part_that_moves_leaves_the_former_whole(board: dict[str, int]) -> None:
    mount([Mount(board["S-0"], board["B-1"], at("1"), since=JANUARY)])
    mount([Mount(board["S-0"], board["B-2"], at("2"), since=MARCH)])
    assert spans(board["S-0"]) == [("B-1", JANUARY, MARCH), ("B-2", MARCH, None)]
    assert parts_of([board["B-1"]]) == []
    take_out([board["S-0"]], until=MAY)
    assert spans(board["S-0"])[-1] == ("B-2", MARCH, MAY)
    with pytest.raises(AssemblyRefused, match="part of nothing"):
        take_out([board["S-0"]])


def test_what_was_is_told_later_and_twice_is_once(board: dict[str, int]) -> None:
    past = Mount(board["S-0"], board["B-1"], at("1"), since=JANUARY, until=MARCH)
    now = Mount(board["S-0"], board["B-2"], at("1"), since=MARCH)
    assert mount([now, past]).new == 2
    assert mount([past, now]).unchanged == 2
    with pytest.raises(AssemblyRefused, match="at two places"):
        mount([Mount(board["S-0"], board["MOD"], at("9"), since=JANUARY, until=MAY)])
    assert Mounting.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"whole": None, "place": {}}, "say what it is part of"),
        ({"since": dt.date(2199, 1, 1)}, "lies in the future"),
        ({"since": MARCH, "until": JANUARY}, "is before"),
        ({"part": "B-1", "whole": "B-1"}, "part of itself"),
    ],
)
def test_what_can_not_be_is_refused(
    board: dict[str, int], wrong: dict[str, object], said: str
) -> None:
    given = {"part": "S-0", "whole": "B-1", "place": at("1")} | wrong
    given["part"], given["whole"] = (
        board.get(str(given[key])) if given[key] else None for key in ("part", "whole")
    )
    with pytest.raises(AssemblyRefused, match=said):
        mount([Mount(**given)])  # type: ignore[arg-type]
    assert Mounting.objects.count() == 0


def test_no_ring_of_parts(board: dict[str, int]) -> None:
    mount([Mount(board["B-1"], board["MOD"]), Mount(board["S-0"], board["B-1"])])
    with pytest.raises(AssemblyRefused, match="part of itself"):
        mount([Mount(board["MOD"], board["S-0"])])


def test_all_faults_are_told_with_their_rows(board: dict[str, int]) -> None:
    wanted = [
        Mount(board["S-0"], board["B-1"], at("1"), row=2),
        Mount(board["S-1"], board["B-1"], at("1"), row=3),
        Mount(board["S-2"], None, row=4),
    ]
    with pytest.raises(AssemblyRefused) as refused:
        mount(wanted)
    assert [fault.row for fault in refused.value.faults] == [3, 4]
    assert Mounting.objects.count() == 0


def test_a_table_of_devices_leaves_its_trace(board: dict[str, int]) -> None:
    register_devices([{"serial": "S-9", "device_type": "SiPM", "parent": "B-1"}])
    new = Device.objects.get(serial="S-9")
    ((whole, since, until),) = spans(new.pk)
    assert (whole, until) == ("B-1", None)
    assert since is not None


@pytest.mark.parametrize(
    ("kind", "rows", "columns", "parts"),
    [
        ("S13360 single", 1, 1, 24),  # a tile of 24
        ("S14161 array of 64", 8, 8, 2),
        ("array of 128", 8, 16, 1),
        ("R5912 photomultiplier", 1, 1, 3),
    ],
)
def test_devices_of_any_shape_are_parts(
    db: None, kind: str, rows: int, columns: int, parts: int
) -> None:
    """Single SiPMs on a tile, arrays on a board, photomultipliers in a frame: data alone."""
    DeviceType.objects.create(name=kind, rows=rows, columns=columns)
    DeviceType.objects.create(name="frame", rows=1, columns=1)
    register_devices([{"serial": "FRAME", "device_type": "frame"}])
    register_devices([{"serial": f"P-{n:02d}", "device_type": kind} for n in range(parts)])
    keys = dict(Device.objects.values_list("serial", "pk"))
    done = mount([Mount(keys[f"P-{n:02d}"], keys["FRAME"], at(str(n + 1))) for n in range(parts)])
    assert done.new == parts
    assert len(parts_of([keys["FRAME"]])) == parts
