"""Models of limits and of what is said by them: verdicts, waivers, sign-offs."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.scope import OfDevice
from mppcqa.limits.acceptance import Acceptance  # noqa: F401  (its table is of this room)
from mppcqa.results.conditions import ConditionField
from mppcqa.results.models import Analysis, Outcome, QuantityRow
from mppcqa.retold import retold
from mppcqa.signing.models import SignedAct
from mppcqa.stages import Condition

TITLES = (gettext_noop("%s: proposed limits"), gettext_noop("%s: limits"))
"""Titles that we give, with that of the stage in them; kept in English."""


class LimitSet(models.Model):
    """A version of the limits of a stage. Once used it is never changed; a change is a new one."""

    stage = models.CharField(_("stage"), max_length=50)
    device_type = models.ForeignKey(
        DeviceType, verbose_name=_("device type"), null=True, blank=True, on_delete=models.PROTECT
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT
    )
    version = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=100)
    reason = models.TextField(_("why these limits"), blank=True)
    active = models.BooleanField(_("in use"), default=False)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["stage", "-version"]
        verbose_name = _("limit set")
        constraints = [
            models.UniqueConstraint(fields=["stage", "version"], name="limits_set_version")
        ]

    def __str__(self) -> str:
        return f"{self.in_words} ({_('version')} {self.version})"

    @property
    def in_words(self) -> str:
        """The title; one that we made in the reader's language."""
        return retold(self.title, TITLES)

    @property
    def is_general(self) -> bool:
        """Whether it judges whatever has no limits of its own."""
        return self.device_type_id is None and self.campaign_id is None

    @property
    def named(self) -> str:
        """Title and version, with the campaign that it is of."""
        return f"{self}, {self.campaign}" if self.campaign_id else str(self)


class Limit(models.Model):
    """A band: inside [pass_low, pass_high] passes, inside [warn_low, warn_high] warns."""

    limit_set = models.ForeignKey(LimitSet, on_delete=models.CASCADE, related_name="limits")
    quantity = models.ForeignKey(QuantityRow, on_delete=models.PROTECT, related_name="+")
    pass_low = models.FloatField(_("pass from"), null=True, blank=True)
    pass_high = models.FloatField(_("pass to"), null=True, blank=True)
    warn_low = models.FloatField(_("warn from"), null=True, blank=True)
    warn_high = models.FloatField(_("warn to"), null=True, blank=True)
    at = ConditionField(
        _("at"),
        default=Condition,
        blank=True,
        help_text=_("Judge the value nearest to this condition; empty judges all."),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = _("limit")

    def __str__(self) -> str:
        return f"{self.quantity}: {self.pass_low} … {self.pass_high}"


class Verdict(models.Model):
    """A device judged at a stage by a limit set; kept when a later one replaces it.

    `details` is a list with one entry a judged quantity: ``quantity`` (key), ``outcome``,
    ``channel`` (of the worst value, -1 for the device), ``value``, ``statistical`` (None where
    unknown), ``systematic``, ``bound`` (of a limit), ``pass_low``, ``pass_high``, ``warn_low``,
    ``warn_high``, ``condition`` (object), ``judged`` (how many values), ``failed``, ``warned``,
    ``missing``, and what is remarked: ``said`` (codes, see `limits.remarks`) and ``text`` (the
    same in English).
    """

    uuid = uuid_field()
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="verdicts")
    stage = models.CharField(_("stage"), max_length=50)
    limit_set = models.ForeignKey(LimitSet, on_delete=models.PROTECT, related_name="+")
    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="verdicts")
    outcome = models.CharField(_("verdict"), max_length=10, choices=Outcome)
    details = models.JSONField(default=list)
    judged_at = models.DateTimeField(default=timezone.now)
    waiver = models.OneToOneField(
        "limits.Waiver", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The waiver that counts, which is the newest of its `waivers`."""

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("verdict")
        constraints = [
            models.UniqueConstraint(
                fields=["device", "analysis", "limit_set"], name="limits_verdict_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.get_outcome_display()}"


class Waiver(models.Model):
    """A person takes a device in spite of its verdict, with a reason. Another stands beside it."""

    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="waivers")
    reason = models.TextField(_("reason"))
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    granted_at = models.DateTimeField(default=timezone.now)
    expires_on = models.DateField(_("holds until"), null=True, blank=True)
    signed = models.ForeignKey(
        SignedAct, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("waiver")

    def __str__(self) -> str:
        return self.reason[:60]

    @property
    def holds(self) -> bool:
        """Whether its last day is not past (UTC)."""
        return self.expires_on is None or self.expires_on >= timezone.now().date()


class SignOff(models.Model):
    """A person has looked at a device's verdicts and stands for them, whatever comes later."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="sign_offs")
    outcomes = models.JSONField(default=dict, help_text=_("Stage -> verdict, as it was."))
    note = models.TextField(_("note"), blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    signed_at = models.DateTimeField(default=timezone.now)
    signed = models.ForeignKey(
        SignedAct, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("sign-off")

    def __str__(self) -> str:
        return f"{self.device}, {self.signed_at:%Y-%m-%d}"
