"""The address at which others reach the pages: what QR codes and e-mails carry.

An address that only this computer knows must not leave the house: on a label or in an e-mail it
leads nowhere, or to somebody else's computer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.reach import Reach, reach


@dataclass(frozen=True)
class PublicAddress:
    """Where the pages are for others."""

    url: str
    """Empty where there is none."""
    warning: str = ""
    """What a person must know before a code is printed."""

    def of_device(self, serial: str) -> str:
        """What a device's QR code carries: its page, or the serial number alone."""
        return f"{self.url}{reverse('device', args=[serial])}" if self.url else serial


def public_address(served: str = "") -> PublicAddress:
    """The address for others: the one that was set, or else the one of a request, if it is good.

    served
        Scheme and host of the request that is answered, such as ``https://qa.example.org``.
    """
    named = settings.MPPCQA_URL
    if named:
        match reach(named):
            case Reach.ALL:
                return PublicAddress(named)
            case Reach.NETWORK:
                return PublicAddress(
                    named,
                    _(
                        "%s is reached inside its own network alone. Where devices leave it, set "
                        "MPPCQA_URL to an address that others reach, before you print."
                    )
                    % named,
                )
    elif reach(served) is Reach.ALL:
        return PublicAddress(served.rstrip("/"))
    return PublicAddress(
        "",
        _(
            "Others can't reach %s, so codes carry the serial number alone. Set MPPCQA_URL to the "
            "address of this server for others, before you print."
        )
        % (named or served or settings.MPPCQA_SERVED),
    )
