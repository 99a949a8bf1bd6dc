"""Channels that trigger each by itself: an event without a charge of some is no fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from mppcqa.exchange.foreign.convert import meta_of
from mppcqa.exchange.foreign.files import import_foreign, imported_parts
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.runfile import RunFile, RunWriter, check
from mppcqa.runfile.imported import write_parts
from mppcqa.tables import TableError
from mppcqa.tables.mapping import Column, Given, Mapping
from mppcqa.tables.reading import read_foreign

CONDITIONS = {"bias_v": Given(value=54.0), "temperature_c": Given(value=20.0)}
TREE = Mapping("daq", "root", "charge", (Column("q", "charge"),), CONDITIONS, tree="daq")


@pytest.fixture
def device(db: None) -> Device:
    DeviceType.objects.create(name="quad", rows=2, columns=2)
    register_devices([{"serial": "Q-1", "device_type": "quad"}])
    return Device.objects.get(serial="Q-1")


def tree(path: Path, charges: np.ndarray) -> Path:
    with uproot.recreate(path) as file:
        file.mktree("daq", {"q": ("f4", (4,)), "hv": "f8"})
        file["daq"].extend({"q": charges, "hv": np.full(len(charges), 54.0)})
    return path


def fired(seed: int = 1) -> np.ndarray:
    """Charges (2000, 4): in each event one to three channels fired."""
    rng = np.random.default_rng(seed)
    charges = rng.normal(100, 5, (2000, 4)).astype(np.float32)
    silent = rng.random((2000, 4)) < 0.4
    silent[:, 0] &= ~silent[:, 1:].all(axis=1)
    charges[silent] = np.nan
    return charges


def as_run_file(path: Path, mapping: Mapping, device: Device, target: Path) -> dict[str, object]:
    run = import_foreign([path], mapping, device)
    parts = imported_parts(run)
    meta = meta_of(run, parts)
    with RunWriter(target, meta) as writer:
        write_parts(writer, parts, meta["slots"][0].get("channel_numbers"))
    return meta


def test_a_tree_comes_in_and_keeps_who_fired(device: Device, tmp_path: Path) -> None:
    charges = fired()
    target = tmp_path / "run.root"
    meta = as_run_file(tree(tmp_path / "t.root", charges), TREE, device, target)
    assert meta["own_triggers"] is True
    assert check(target) == []
    with RunFile(target) as file:
        np.testing.assert_array_equal(file.charges(0, 1), charges)


def test_a_list_of_channels_comes_in(device: Device, tmp_path: Path) -> None:
    rows = [(event, channel, q) for event, some in enumerate(fired()[:300])
            for channel, q in enumerate(some) if np.isfinite(q)]  # fmt: skip
    path = tmp_path / "list.csv"
    path.write_text("event,channel,charge\n" + "".join(f"{e},{c},{q}\n" for e, c, q in rows))
    mapping = Mapping("list", "table", "charge", (Column("charge", "charge"),), CONDITIONS)
    target = tmp_path / "run.root"
    as_run_file(path, mapping, device, target)
    assert check(target) == []
    with RunFile(target) as file:
        assert np.isfinite(file.charges(0, 1)).sum() == len(rows)


def test_what_is_not_used_is_named_by_its_name(tmp_path: Path) -> None:
    part = read_foreign(tree(tmp_path / "t.root", fired()), TREE)[0]
    assert "Columns that are not used: hv." in part.notes


def test_charges_that_are_no_numbers_stay_faults(device: Device, tmp_path: Path) -> None:
    charges = fired()
    charges[::10, 1] = np.inf
    with pytest.raises(TableError, match="200 entries are not finite"):
        read_foreign(tree(tmp_path / "infinite.root", charges), TREE)
    charges = fired()
    charges[::10] = np.nan
    with pytest.raises(TableError, match="200 entries are not finite"):
        read_foreign(tree(tmp_path / "empty.root", charges), TREE)


@pytest.mark.parametrize(("own", "faults"), [(True, 0), (False, 1)])
def test_a_station_says_that_channels_trigger_alone(tmp_path: Path, own: bool, faults: int) -> None:
    meta = {
        "run": 1, "stage": "stage2", "station": "s", "operator": "", "program": "p",
        "started": "2026-11-28T10:00:00Z", "slots": [{"slot": 1, "serial": "Q-1", "channels": 4}],
        "own_triggers": own,
    }  # fmt: skip
    with RunWriter(tmp_path / "run.root", meta) as writer:
        writer.point(0, bias_v=54.0, temperature_c=20.0, light=0.0)
        writer.charges(0, 1, fired())
    found = check(tmp_path / "run.root")
    assert len(found) == faults
    assert all("not finite" in str(fault) for fault in found)
