"""Whose a run is: the campaign and the owner of its devices, kept as they were when it began."""

from __future__ import annotations

from collections.abc import Iterable

from mppcqa.inventory.models import Device

BATCH = 900
Pair = tuple[int | None, int | None]
"""Campaign and owner, by their ids."""


def common_keys(pairs: Iterable[Pair]) -> dict[str, int | None]:
    """What all of some devices have, as columns of a run; None where they differ.

    A run of several owners is none's: its file has values of all of them.
    """
    seen = set(pairs)
    campaigns, owners = {one for one, _owner in seen}, {one for _campaign, one in seen}
    return {
        "campaign_id": campaigns.pop() if len(campaigns) == 1 else None,
        "owner_id": owners.pop() if len(owners) == 1 else None,
    }


def keys_of(devices: Iterable[int]) -> dict[str, int | None]:
    """The same of devices by their ids, however many."""
    ids, pairs = list(devices), set[Pair]()
    for start in range(0, len(ids), BATCH):
        rows = Device.objects.filter(pk__in=ids[start : start + BATCH]).order_by()
        pairs.update(rows.values_list("campaign", "owner").distinct())
    return common_keys(pairs)
