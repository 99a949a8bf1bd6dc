"""Parts as a table, out and in again, and in a backup; the values of parts gather at the whole."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pyarrow.csv as arrow_csv
import pytest
from click.testing import CliRunner

from mppcqa.cli import main
from mppcqa.exchange.assembly import take_assembly
from mppcqa.exchange.backup import back_up
from mppcqa.exchange.exports import write_list
from mppcqa.exchange.restore import restore
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.assembly import AssemblyRefused, Mount, mount
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.mountings import Mounting
from mppcqa.tables import TableError

TABLE = """serial,part of,position,bias channel,from,to,reason
GX-000,BOARD,1,1,2026-01-05,2026-03-01,first build
GX-001,BOARD,1,1,2026-03-01,,swapped
gx-002,BOARD,2,1,2026-01-05,,
"""


@pytest.fixture
def board(campaign: SimpleNamespace) -> SimpleNamespace:
    DeviceType.objects.create(name="board", rows=1, columns=1)
    register_devices([{"serial": "BOARD", "device_type": "board"}])
    return campaign


def keep(folder: Path, text: str, name: str = "parts.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def stays() -> set[tuple[str, str, str, dt.date | None, dt.date | None]]:
    rows = Mounting.objects.select_related("part", "whole")
    return {
        (row.part.serial, row.whole.serial if row.whole else "", row.place.get("pos", ""),
         row.since, row.until)
        for row in rows
    }  # fmt: skip


def test_a_table_goes_in_and_out_and_in_again(board: SimpleNamespace, tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["import", "assembly", str(keep(tmp_path, TABLE))])
    assert said.exit_code == 0, said.output
    assert "3 mounted, 0 ended" in said.output
    before = stays()
    assert ("GX-000", "BOARD", "1", dt.date(2026, 1, 5), dt.date(2026, 3, 1)) in before
    out = tmp_path / "out.csv"
    said = CliRunner().invoke(main, ["export", "assembly", str(out)])
    assert said.exit_code == 0, said.output
    done, notes = take_assembly(out, viewer=None)
    assert (done.new, done.ended, done.unchanged, notes) == (0, 0, 3, [])
    Mounting.objects.all().delete()
    Device.objects.update(parent=None, installed={})
    take_assembly(out, viewer=None)
    assert stays() == before
    assert Device.objects.get(serial="GX-001").parent is not None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("GX-777,BOARD,9,,,,", "row 5: no device is called “GX-777”"),
        ("GX-003,NONE,9,,,,", "row 5: no device is called “NONE”"),
        ("GX-003,BOARD,9,,05.03.2026,,", "row 5: “05.03.2026” is no date"),
        ("GX-003,BOARD,2,,2026-02-01,,", "The place is taken"),
    ],
)
def test_a_table_with_a_fault_does_nothing(
    board: SimpleNamespace, tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(AssemblyRefused, match=said):
        take_assembly(keep(tmp_path, TABLE + line + "\n"), viewer=None)
    assert Mounting.objects.count() == 0


def test_a_table_of_something_else_is_named(board: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="columns found: bias, current"):
        take_assembly(keep(tmp_path, "bias,current\n1,2\n"), viewer=None)


def test_what_is_not_used_is_named(board: SimpleNamespace, tmp_path: Path) -> None:
    text = "serial,part_of,pos,colour\nGX-000,BOARD,1,red\n"
    _done, notes = take_assembly(keep(tmp_path, text), viewer=None)
    assert notes == ["Columns that are not used: colour."]


def test_exports_gather_at_the_whole(board: SimpleNamespace, tmp_path: Path) -> None:
    take_assembly(keep(tmp_path, TABLE), viewer=None)
    for what in ("devices", "values", "assembly"):
        path = tmp_path / f"{what}-out.csv"
        write_list(what, "csv", path, {"part_of": "board"}, viewer=None)
        serials = set(arrow_csv.read_csv(path)["serial"].to_pylist())
        assert serials == {"GX-001", "GX-002"}
    said = CliRunner().invoke(
        main, ["export", "values", str(tmp_path / "no.csv"), "--part-of", "NOWHERE"]
    )
    assert said.exit_code == 1
    assert "no device is called" in said.output


@pytest.mark.django_db(transaction=True)
def test_the_history_comes_back_from_a_backup(board: SimpleNamespace, tmp_path: Path) -> None:
    take_assembly(keep(tmp_path, TABLE), viewer=None)
    before = stays()
    made = back_up(tmp_path / "backup")
    Mounting.objects.all().delete()
    Device.objects.update(parent=None)
    restore(made, replace=True)
    assert stays() == before
    assert Device.objects.get(serial="GX-002").parent.serial == "BOARD"  # type: ignore[union-attr]


def test_the_partners_places_become_history(board: SimpleNamespace, tmp_path: Path) -> None:
    """A place that has no serial is a stay as well, and ends when a later dump moves it."""
    from mppcqa.exchange.partner.tables import Table
    from mppcqa.exchange.partner.taking import take_in

    def spec(module: str) -> Table:
        return Table("sipm_spec", ["sn", "module", "pos"], [["'GX-000'", f"'{module}'", "17"]])

    take_in([spec("12U")])
    take_in([spec("12U")])
    ((row),) = Mounting.objects.all()
    assert (row.whole, row.place, row.since) == (None, {"module": "12U", "pos": "17"}, None)
    take_in([spec("13D")])
    first, second = Mounting.objects.order_by("id")
    assert first.until is not None
    assert (second.place["module"], second.until) == ("13D", None)


def test_a_part_of_another_is_not_told_to_who_sees_only_one(
    board: SimpleNamespace, tmp_path: Path
) -> None:
    from django.contrib.auth.models import User

    from mppcqa.inventory.models import Institute

    ours = Institute.objects.create(name="Ours")
    Device.objects.filter(serial="GX-000").update(owner=ours)
    keys = dict(Device.objects.values_list("serial", "pk"))
    mount([Mount(keys["GX-000"], keys["BOARD"], {"pos": "1"})])
    person = User.objects.create_user("bound")
    person.person.institute = ours
    person.person.save()
    path = tmp_path / "bound.csv"
    write_list("assembly", "csv", path, {}, viewer=person)
    assert "BOARD" not in path.read_text()
    with pytest.raises(AssemblyRefused, match="no device is called “BOARD”"):
        take_assembly(keep(tmp_path, TABLE), viewer=person)
