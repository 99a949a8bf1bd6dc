"""Results that a partner tells of: kept beside ours, never over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mppcqa.bundles.keys import ours
from mppcqa.bundles.models import CameFrom, PartnerVerdict
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.inventory.models import Device
from mppcqa.results.models import Analysis, Measurement, QuantityRow, Standing
from mppcqa.runs.models import Run, RunFile, RunSlot
from tests.bundles.by_hand import BEGAN, MIDDAY, Partner, name_of

pytestmark = pytest.mark.django_db
VALUES = {1: [70.0, 70.1, 70.2], 2: [71.0]}


@pytest.fixture
def partner(tmp_path: Path) -> Partner:
    return Partner(tmp_path)


def devices(partner: Partner) -> list[dict[str, Any]]:
    return [partner.device(n) for n in (1, 2)]


def sends(partner: Partner, values: dict[int, list[float]], analysis: int = 1,
          partners: Partner | None = None, **changed: Any) -> dict[str, Any]:  # fmt: skip
    told = partner.measured(analysis, values, **changed)
    return partner.sends(devices(partners or partner), values=values, results=told)


def counting() -> dict[str, str]:
    rows = Standing.objects.values_list("device__serial", "analysis__uuid")
    return {serial: str(uuid) for serial, uuid in rows}


def kept() -> list[tuple[str, int, float]]:
    rows = Measurement.objects.order_by("device__serial", "channel")
    return list(rows.values_list("device__serial", "channel", "value"))


def test_values_come_once_with_their_analysis_and_count_where_nothing_did(
    partner: Partner,
) -> None:
    told = sends(partner, VALUES)
    assert told["counts"]["values"] == {"new": 4}
    assert told["counts"]["analyses"] == {"new": 1}
    assert told["counts"]["files"] == {"new": 1}
    expected = [("GX-001", n, value) for n, value in enumerate(VALUES[1])] + [("GX-002", 0, 71.0)]
    assert kept() == expected
    assert counting() == dict.fromkeys(("GX-001", "GX-002"), name_of(0xA001))
    analysis = Analysis.objects.get()
    assert analysis.values == 4
    assert analysis.made_at.isoformat() == MIDDAY
    origin = CameFrom.objects.get(kind="analysis")
    assert (origin.number, origin.installation) == (analysis.pk, partner.row)
    again = sends(partner, VALUES)
    assert again["counts"]["values"] == {"same": 4}
    assert again["counts"]["analyses"] == {"same": 1}
    assert kept() == expected
    analysis.refresh_from_db()
    assert analysis.values == 4


def test_other_values_there_than_here_are_told_and_ours_stay(partner: Partner) -> None:
    sends(partner, VALUES)
    told = sends(partner, {1: [70.0, 70.1, 70.3], 2: [71.0]})
    assert told["counts"]["values"] == {"differs": 3, "same": 1}
    assert ["differs", "GX-001, analysis of pde: other values there than here; ours stay"] in [
        list(one) for one in told["lines"]
    ]
    assert kept()[2] == ("GX-001", 2, 70.2)


def test_values_of_a_device_that_was_left_out_then_come_later(partner: Partner) -> None:
    alone = {1: VALUES[1]}
    partner.sends([partner.device(1)], values=alone, results=partner.measured(1, alone))
    told = sends(partner, VALUES)
    assert told["counts"]["values"] == {"same": 3, "new": 1}
    assert Analysis.objects.get().values == 4
    assert counting().keys() == {"GX-001", "GX-002"}


def test_a_later_analysis_of_the_partner_counts_in_place_of_its_former_one(
    partner: Partner,
) -> None:
    sends(partner, VALUES)
    sends(partner, {1: [70.5]}, analysis=2)
    assert counting() == {"GX-001": name_of(0xA002), "GX-002": name_of(0xA001)}


def test_what_comes_late_counts_only_where_nothing_does(partner: Partner, tmp_path: Path) -> None:
    late = partner.measured(2, {1: [70.5], 2: [71.5]})
    first = {1: [70.0]}
    rows = [partner.device(1), partner.device(2)]
    partner.sends(rows, values=first, results=partner.measured(1, first), number=9)
    told = partner.sends(rows, values={1: [70.5], 2: [71.5]}, results=late, number=5)
    assert told["late"]
    assert counting() == {"GX-001": name_of(0xA001), "GX-002": name_of(0xA002)}


def test_what_we_measured_goes_on_to_count(partner: Partner, campaign: Any) -> None:
    own = counting()
    serial = campaign.devices[0].serial
    there = partner.device(1, serial=serial)
    values = {1: [70.0]}
    told = partner.sends([there], values=values, results=partner.measured(1, values))
    assert told["counts"]["values"] == {"new": 1}
    assert counting() == own


def test_nobody_else_says_what_was_measured_here(partner: Partner) -> None:
    """An analysis that is said to be ours and that we do not know: this database was restored."""
    results = partner.measured(1, VALUES)
    results["analyses"][0]["origin"] = str(ours().uuid)
    run = {"uuid": name_of(0xC001), "origin": str(ours().uuid), "stage": "pde", "parameters": {},
           "note": "", "created_at": BEGAN, "facts": {}, "slots": []}  # fmt: skip
    results["runs"] = [run]
    told = partner.sends(devices(partner), values=VALUES, results=results)
    assert told["counts"]["analyses"]["left_out"] == told["counts"]["runs"]["left_out"] == 1
    assert told["counts"]["values"] == {"left_out": 4}
    said = [line for what, line in told["lines"] if what == "left_out"]
    assert all("is said to be of this installation" in line for line in said)
    assert {line.split(" of ")[0] for line in said} == {"a run or analysis"}
    assert not Run.objects.exists()
    assert not kept()


def test_runs_come_with_their_slots_and_their_facts(partner: Partner) -> None:
    results = partner.measured(1, VALUES)
    results["runs"] = [
        {"uuid": name_of(0xC001), "origin": partner.uuid, "stage": "pde", "parameters": {"a": 1},
         "note": "warm", "created_at": BEGAN, "facts": {"operator": "ana"},
         "slots": [[2, name_of(1)], [4, name_of(2)], [5, name_of(99)]]}
    ]  # fmt: skip
    results["files"][0]["run"] = name_of(0xC001)
    for expected in ({"new": 1}, {"same": 1}):
        told = partner.sends(devices(partner), values=VALUES, results=results)
        assert told["counts"]["runs"] == expected
    run = Run.objects.get()
    assert (run.note, run.parameters, run.created_at.isoformat()) == ("warm", {"a": 1}, BEGAN)
    slots = RunSlot.objects.filter(run=run)
    assert sorted(slots.values_list("slot", "device__serial")) == [(2, "GX-001"), (4, "GX-002")]
    assert CameFrom.objects.get(kind="run").facts == {"operator": "ana"}
    file = RunFile.objects.get()
    assert (file.run, file.original_name, file.file.name) == (run, "a.root", "")


def test_a_stage_that_is_not_installed_is_kept_and_may_be_taken_again(partner: Partner) -> None:
    results = partner.measured(1, VALUES)
    text = json.dumps(results).replace('"pde"', '"of-a-package"')
    told = partner.sends(devices(partner), values=VALUES, results=json.loads(text))
    assert told["counts"]["analyses"] == {"unknown": 1, "new": 1}
    assert any("PDE (of-a-package) is not installed here" in line for _w, line in told["lines"])
    assert len(kept()) == 4
    assert counting() == {}


def test_a_quantity_in_another_unit_is_left_out_and_the_units_are_told(partner: Partner) -> None:
    results = partner.measured(1, VALUES)
    results["quantities"][0]["unit"] = "mV"
    told = partner.sends(devices(partner), values=VALUES, results=results)
    assert told["counts"]["values"] == {"left_out": 5}
    assert ["left_out", "pde.breakdown_voltage_v is in mV there and in V here: it is left out"] in [
        list(one) for one in told["lines"]
    ]
    assert not kept()
    # Nor does the catalogue take it for the unit of what is measured here.
    assert QuantityRow.objects.get(key="breakdown_voltage_v").unit == "V"
    again = partner.measured(2, VALUES)
    assert partner.sends(devices(partner), values=VALUES, results=again)["counts"]["values"] == {
        "new": 4
    }


def test_a_quantity_that_is_not_known_here_is_kept_and_told(partner: Partner) -> None:
    results = partner.measured(1, VALUES)
    results["quantities"][0] |= {"key": "of_tomorrow", "unit": "px"}
    told = partner.sends(devices(partner), values=VALUES, results=results)
    assert told["counts"]["values"] == {"unknown": 1, "new": 4}
    assert QuantityRow.objects.get(key="of_tomorrow").unit == "px"
    # Because of it the bundle may be taken once more.
    assert any("pde.of_tomorrow is not known here" in line for _what, line in told["lines"])


GOOD = (0, 0, 0, 0, 0, 70.0, 0.01, 0.0, 0)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, 1, "name a analysis that it has not"),
        (1, 2, "name a device that it has not"),
        (1, -1, "name a device that it has not"),
        (2, 1, "name a quantity that it has not"),
        (4, 1, "name a condition that it has not"),
        (3, 16, "of channels that the device has not"),
        (3, -2, "of channels that the device has not"),
    ],
)
def test_values_that_name_nothing_are_refused_whole(
    partner: Partner, place: int, value: int, said: str
) -> None:
    row = tuple(value if n == place else cell for n, cell in enumerate(GOOD))
    with pytest.raises(BundleRefused, match=said):
        partner.sends(devices(partner), results=partner.measured(1, VALUES), rows=[GOOD, row])
    assert not Device.objects.exists()


@pytest.mark.parametrize("channel", [-1, 0, 15])
def test_values_of_the_whole_device_and_of_every_channel_are_taken(
    partner: Partner, channel: int
) -> None:
    rows = [(*GOOD[:3], channel, *GOOD[4:])]
    partner.sends(devices(partner), results=partner.measured(1, VALUES), rows=rows)
    assert kept() == [("GX-001", channel, 70.0)]


def test_a_condition_that_is_none_is_refused(partner: Partner) -> None:
    with pytest.raises(BundleRefused, match="A condition of the bundle is none"):
        sends(partner, VALUES, conditions=["bias_v=high"])


def verdict(partner: Partner, number: int, **facts: Any) -> dict[str, Any]:
    return {
        "uuid": name_of(0xD000 + number), "origin": partner.uuid, "device": name_of(1),
        "stage": "pde", "analysis": name_of(0xA001), "limits": 0, "outcome": "warning",
        "details": [], "judged_at": MIDDAY, "stands": True, "waiver": {},
    } | facts  # fmt: skip


def judged(partner: Partner, *verdicts: dict[str, Any], **how: Any) -> dict[str, Any]:
    told = partner.sends(
        devices(partner), values=VALUES, results=partner.measured(1, VALUES),
        verdicts={"limits": [{"title": "ours", "version": 3}], "verdicts": list(verdicts)}, **how,
    )  # fmt: skip
    counts: dict[str, Any] = told["counts"].get("verdicts", {})
    return counts


def test_verdicts_of_the_partner_are_kept_as_theirs_with_their_limits(partner: Partner) -> None:
    first = verdict(partner, 1)
    assert judged(partner, first) == {"new": 1}
    row = PartnerVerdict.objects.get()
    assert (row.installation, row.outcome, row.stands) == (partner.row, "warning", True)
    assert row.limits == {"title": "ours", "version": 3}
    assert row.judged_at.isoformat() == MIDDAY
    assert judged(partner, first) == {"same": 1}
    waived = first | {"stands": False, "waiver": {"reason": "spare"}}
    assert judged(partner, waived, verdict(partner, 2)) == {"new": 1, "more": 1}
    row.refresh_from_db()
    assert (row.stands, row.waiver) == (False, {"reason": "spare"})


def test_what_was_decided_since_is_not_undone_by_what_comes_late_or_from_others(
    partner: Partner, tmp_path: Path
) -> None:
    first = verdict(partner, 1, stands=False, waiver={"reason": "spare"})
    judged(partner, first, number=9)
    assert judged(partner, verdict(partner, 1), number=5) == {"same": 1}
    other = Partner(tmp_path, name="Orsay")
    told = other.sends(
        devices(partner), values=VALUES, results=partner.measured(1, VALUES),
        verdicts={"limits": [{}], "verdicts": [verdict(partner, 1)]},
    )  # fmt: skip
    assert told["counts"]["verdicts"] == {"same": 1}
    row = PartnerVerdict.objects.get()
    assert (row.stands, row.waiver) == (False, {"reason": "spare"})


@pytest.mark.parametrize(
    "facts", [{"device": name_of(99)}, {"analysis": name_of(0xA999)}, {"limits": 1}]
)
def test_a_verdict_on_what_is_not_here_is_left_out(partner: Partner, facts: dict[str, Any]) -> None:
    assert judged(partner, verdict(partner, 1, **facts)) == {"left_out": 1}
    assert not PartnerVerdict.objects.exists()


def test_our_own_verdicts_that_come_back_are_not_a_partner_s(partner: Partner) -> None:
    assert judged(partner, verdict(partner, 1, origin=str(ours().uuid))) == {}
    assert not PartnerVerdict.objects.exists()


def signed(act: str, of: str) -> dict[str, Any]:
    by = {"name": "Ana, Santiago", "at": MIDDAY, "method": "password"}
    return {"uuid": name_of(0xE001), "act": act, "of": of, "named": "GX-001", "meaning": {"a": "b"},
            "signatures": [by], "done_at": MIDDAY}  # fmt: skip


@pytest.mark.parametrize(
    ("act", "of", "new"),
    [
        ("sign_off", name_of(1), 1),
        ("shipment", name_of(0x5001), 1),
        ("sign_off", name_of(99), 0),
        ("shipment", name_of(0x5009), 0),
        ("shipment", name_of(1), 0),
    ],
)
def test_signatures_of_elsewhere_stay_with_what_they_are_of(
    partner: Partner, act: str, of: str, new: int
) -> None:
    from mppcqa.signing.models import SignedAct

    verdicts = {"limits": [], "verdicts": [], "signed": [signed(act, of)]}
    how = {"verdicts": verdicts, "shipments": [partner.shipment(1, [1, 2])]}
    told = partner.sends(devices(partner), **how)
    assert told["counts"].get("signatures", {}) == ({"new": 1} if new else {})
    assert SignedAct.objects.count() == new
    if new:
        row = SignedAct.objects.get()
        assert row.signatures[0]["person"] is None
        assert row.signatures[0]["name"] == "Ana, Santiago"
        assert row.done_at.isoformat() == MIDDAY
        partner.sends(devices(partner), **how)
        assert SignedAct.objects.count() == 1


def test_values_whose_uncertainty_nobody_knows_are_the_same_again(partner: Partner) -> None:
    rows = [(*GOOD[:6], None, *GOOD[7:]), (*GOOD[:3], 1, *GOOD[4:])]
    for expected in ({"new": 2}, {"same": 2}):
        told = partner.sends(devices(partner), results=partner.measured(1, VALUES), rows=rows)
        assert told["counts"]["values"] == expected
    assert sorted(Measurement.objects.values_list("channel", "statistical")) == [
        (0, None),
        (1, 0.01),
    ]
