"""Roles: each a name for what a kind of person may do, from looking to administering.

A role is a group of Django's by the role's key, whose rights are those that stand here: `migrate`
brings them up to date, so that a new version's rights reach the people who should have them.
Whoever needs another mixture makes a group of another name. An administrator is who Django calls a
superuser: every right, those of plug-ins too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Role:
    """What a kind of person may do."""

    key: str
    title: Any
    told: Any
    """In a sentence, for who chooses it."""
    rights: frozenset[str] = frozenset()
    """As Django writes them, ``app.action_model``."""
    everything: bool = False
    needs_institute: bool = False
    """Whether such a person must be bound to an institute."""


def _may(app: str, **actions: str) -> frozenset[str]:
    """``inventory``, ``add="device lot"`` -> ``inventory.add_device``, ``inventory.add_lot``."""
    return frozenset(
        f"{app}.{action}_{model}" for action, models in actions.items() for model in models.split()
    )


PARTNER = (
    _may("inventory", add="comment", change="shipment")
    | _may("bundles", view="bundle key")
    | _may("queue", add="task")
)
OPERATOR = (
    _may("inventory", add="device comment attachment devicerecord shipment case")
    | _may("inventory", change="device shipment")
    | _may("runs", add="run loadeddevice", delete="loadeddevice", change="run")
    | _may("queue", add="task", change="task")
    | _may("exchange", add="import")
    | _may("bundles", view="bundle key")
)
ANALYST = (
    OPERATOR
    | _may("results", add="analysis")
    | _may("exchange", delete="savedmapping")
    | _may("inventory", add="lot tray tag matching", change="lot tray tag matching")
    | _may("inventory", delete="attachment devicerecord")
)
_KEPT = "maker devicetype lot tray tag institute campaign"
MANAGER = (
    ANALYST
    | _may("inventory", add=_KEPT, change=_KEPT, delete=_KEPT)
    | _may("inventory", change="case")
    | _may("limits", add="limitset signoff waiver acceptance", change="limitset acceptance")
    | _may("runs", add="station instrument calibration", change="station instrument calibration")
    | _may("runs", add="procedure training", change="training")
    | _may("exchange", add="export")
    | _may("bundles", add="bundle", change="bundle")
    | _may("django_celery_beat", change="periodictask")
)

ROLES = {
    role.key: role
    for role in (
        Role("viewer", _("Viewer"), _("Looks at everything and changes nothing.")),
        Role(
            "partner",
            _("Partner"),
            _("Of another institute: sees what it owns, receives shipments, writes comments."),
            PARTNER,
            needs_institute=True,
        ),
        Role(
            "operator",
            _("Operator"),
            _("Works at the bench: registers, loads, runs, stops, moves, imports, ships."),
            OPERATOR,
        ),
        Role(
            "analyst",
            _("Analyst"),
            _("An operator who also analyses again and keeps lots, trays and tags."),
            ANALYST,
        ),
        Role(
            "manager",
            _("Manager"),
            _("An analyst who also sets limits, grants waivers, signs, schedules, keeps stations."),
            MANAGER,
        ),
        Role(
            "administrator",
            _("Administrator"),
            _("Everything: people, workers, partners' keys, all that is removed for good."),
            everything=True,
        ),
    )
}


def make_roles() -> None:
    """The groups with the rights that stand here, whatever they had before."""
    wanted = {key: role.rights for key, role in ROLES.items() if not role.everything}
    there = {
        f"{app}.{name}": pk
        for pk, app, name in Permission.objects.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for key, rights in wanted.items():
        group, _made = Group.objects.get_or_create(name=key)
        # An app that is not installed yet has no rights yet; the next `migrate` has them.
        group.permissions.set([there[one] for one in rights if one in there])


def role_of(user: User) -> Role | None:
    """The role of an account; None where it has none, or a mixture of its own."""
    if user.is_superuser:
        return ROLES["administrator"]
    mine = [ROLES[group.name] for group in user.groups.all() if group.name in ROLES]
    return mine[0] if len(mine) == 1 else None


def give_role(user: User, role: Role) -> None:
    """The role in place of the one before. Groups of other names and single rights stay."""
    user.is_superuser = user.is_staff = role.everything
    user.save(update_fields=["is_superuser", "is_staff"])
    user.groups.remove(*Group.objects.filter(name__in=ROLES))
    if not role.everything:
        user.groups.add(Group.objects.get(name=role.key))
