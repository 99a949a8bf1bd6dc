"""What this room asks those above it, which know things of a device that it does not."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True)
class Seat:
    """Where a device sits: a text for people, and whether it is being measured there."""

    where: str
    in_test: bool = False


seats_asked = Signal()
"""`devices` (ids): answers are dicts of id -> `Seat` for those that sit in a station."""

joined = Signal()
"""`devices` (ids) come into another campaign, `by` somebody, inside the move's transaction."""

shipment_sent = Signal()
"""`shipment` left, inside the transaction in which it does."""

shipment_arrived = Signal()
"""A `shipment` was received, inside the transaction."""

objections_asked = Signal()
"""`move`, `devices` (id -> serial): answers are dicts of id -> what is against it and what to do.
Not asked where a person has given a reason for it."""
