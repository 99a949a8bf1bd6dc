"""Verdicts of a bundle: kept as the sender's, beside what our limits say."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from mppcqa.bundles.merge import Merge
from mppcqa.bundles.models import PartnerVerdict
from mppcqa.bundles.things import Document, batches

CHANGING = ("stands", "waiver")


def take_verdicts(merge: Merge, analyses: dict[str, int]) -> None:
    """Those of others than us; what was decided of one since (a waiver) is noted."""
    document = merge.verdicts
    told = [one for one in document["verdicts"] if one["origin"] != merge.ours]
    there: dict[str, PartnerVerdict] = {}
    for part in batches([UUID(one["uuid"]) for one in told]):
        rows = PartnerVerdict.objects.filter(uuid__in=part)
        there |= {str(row.uuid): row for row in rows}
    new, changed = [], []
    for one in told:
        device, analysis = merge.devices.get(one["device"]), analyses.get(one["analysis"])
        if device is None or analysis is None or one["limits"] >= len(document["limits"]):
            merge.said.count("verdicts", "left_out")
            continue
        row = there.get(one["uuid"])
        if row is None:
            new.append(_row(merge, one, device, analysis))
        elif _changed(merge, one, row):
            changed.append(row)
    PartnerVerdict.objects.bulk_create(new, batch_size=500)
    PartnerVerdict.objects.bulk_update(changed, CHANGING, batch_size=200)
    merge.said.count("verdicts", "new", len(new))
    merge.said.count("verdicts", "more", len(changed))
    merge.said.count("verdicts", "same", len(there) - len(changed))


def _row(merge: Merge, one: Document, device: int, analysis: int) -> PartnerVerdict:
    return PartnerVerdict(
        uuid=UUID(one["uuid"]),
        installation=merge.installation(one["origin"]),
        device_id=device,
        stage=one["stage"],
        analysis_id=analysis,
        outcome=one["outcome"],
        details=one["details"],
        limits=merge.verdicts["limits"][one["limits"]],
        waiver=one["waiver"],
        stands=one["stands"],
        judged_at=dt.datetime.fromisoformat(one["judged_at"]),
    )


def _changed(merge: Merge, one: Document, row: PartnerVerdict) -> bool:
    """Note what the one who said it says of it now; who only passes it on may be behind."""
    sender = str(merge.bundle.sender.uuid)
    if merge.late or one["origin"] != sender or row.installation != merge.bundle.sender:
        return False
    if all(getattr(row, name) == one[name] for name in CHANGING):
        return False
    for name in CHANGING:
        setattr(row, name, one[name])
    return True
