"""What the steps of taking a bundle in share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from mppcqa.bundles.keys import ours
from mppcqa.bundles.models import Bundle, CameFrom, Installation
from mppcqa.bundles.said import Said
from mppcqa.bundles.things import Document

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


@dataclass
class Merge:
    """One bundle on its way into the database; the caller holds the transaction."""

    bundle: Bundle
    inventory: Document
    results: Document
    verdicts: Document
    installations: dict[str, str]
    """Names by UUID, as the sender knows them."""
    late: bool
    """A later one of this sender is in: what is told to be so now is so no longer."""
    dry: bool
    """Everything is rolled back afterwards, so that what is slow is left out."""
    by: AbstractBaseUser | None = None
    alive: Callable[[], None] = lambda: None
    said: Said = field(default_factory=Said)
    devices: dict[str, int] = field(default_factory=dict)
    """Our id by the UUID there, of those that are taken."""
    serials: dict[int, str] = field(default_factory=dict)
    """Serial number here, by our id."""
    channels: dict[int, int] = field(default_factory=dict)
    """Number of channels, by our id."""

    def __post_init__(self) -> None:
        self._known: dict[str, Installation] = {}
        self.ours = str(ours().uuid)

    @property
    def by_id(self) -> int | None:
        return None if self.by is None else self.by.pk

    def installation(self, uuid: str) -> Installation:
        """The installation that something is from; one that was never heard of is noted."""
        if uuid not in self._known:
            name = self.installations.get(uuid, uuid[:8])
            found, _made = Installation.objects.get_or_create(
                uuid=UUID(uuid), defaults={"name": name[:100]}
            )
            self._known[uuid] = found
        return self._known[uuid]

    def came(self, kind: str, number: int, origin: str, facts: Document) -> CameFrom:
        """Where something that is made here now is from."""
        return CameFrom(
            kind=kind,
            number=number,
            installation=self.installation(origin),
            bundle=self.bundle,
            facts=facts,
        )
