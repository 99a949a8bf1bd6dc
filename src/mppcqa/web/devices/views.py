"""The list of devices, and the page of one."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.inventory.models import Comment, Device, SerialAlias
from mppcqa.inventory.moving import MoveRefused, move_by_hand
from mppcqa.inventory.serials import normal_serial
from mppcqa.inventory.states import Move, moves_by_hand
from mppcqa.refused import Refused
from mppcqa.results.way import checklists, ways
from mppcqa.views.device import device_view
from mppcqa.views.history import device_history
from mppcqa.views.verdict import WaiverView
from mppcqa.web.access import allowed, person
from mppcqa.web.devices.data import address_for_others, identity, stage_charts
from mppcqa.web.devices.decisions import outcome_parts, waiver_parts
from mppcqa.web.devices.listing import DEVICES, HAND
from mppcqa.web.edits import mark_of
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import show_list


@require_http_methods(["GET", "POST"])
def device_list(request: HttpRequest) -> HttpResponseBase:
    """Devices by serial, with filters; one page by key."""
    return show_list(request, DEVICES, "web/devices/list.html")


@require_GET
def device(request: HttpRequest, serial: str) -> HttpResponse:
    """Everything about one device; a former serial leads to the present one.

    ``?at-STAGE=ID`` chooses the condition whose values are in the stage's table.
    """
    asked = {
        name.removeprefix("at-"): str(value)
        for name, value in request.GET.items()
        if name.startswith("at-")
    }
    view = device_view(normal_serial(serial), asked, viewer=request.user)
    if view is None:
        alias = get_object_or_404(
            SerialAlias.objects.visible_to(request.user).select_related("device"),
            serial=normal_serial(serial),
        )
        return redirect("device", alias.device.serial)
    context = {
        "device": view,
        "identity": identity(view.serial, address_for_others(request)),
        "sections": [
            (stage, stage_charts(stage), _waiver_mark(stage.verdict.waiver))
            for stage in view.stages
        ],
        "sign_mark": mark_of(outcome_parts((one.key, one.verdict.outcome) for one in view.stages)),
        "by_hand": [(move, HAND[move]) for move in moves_by_hand(view.state)],
        "history": device_history(view),
        "checklists": checklists(),
        "way": ways([(view.pk, view.state, view.campaign)] if view.wanted else ()).get(view.pk),
    }
    return render(request, "web/devices/device.html", context)


def _waiver_mark(waiver: WaiverView | None) -> str:
    return mark_of(waiver_parts(None if waiver is None else (waiver.reason, waiver.until)))


@require_POST
@allowed("inventory.add_comment")
def comment(request: HttpRequest, serial: str) -> HttpResponse:
    """Add a comment to a device."""
    found = get_object_or_404(Device.objects.visible_to(request.user), serial=normal_serial(serial))
    row = Comment(device=found, text=request.POST.get("text", "").strip(), author=person(request))
    try:
        # Device and author are there: only the text is somebody's.
        row.full_clean(exclude=["device", "author"])
    except ValidationError:
        messages.error(request, _("The comment is empty: write something first."))
    else:
        row.save()
        messages.success(request, _("The comment is saved."))
    return redirect(found)


@require_POST
@allowed("inventory.change_device")
def move(request: HttpRequest, serial: str) -> HttpResponse:
    """What a person does with a device by hand: hold, install, retire, declare lost, and back."""
    found = get_object_or_404(Device.objects.visible_to(request.user), serial=normal_serial(serial))
    asked = request.POST.get("move", "")
    try:
        if asked not in Move.values:
            raise MoveRefused({found.pk: _("Choose what is done with the device.")})
        move_by_hand(found, Move(asked), request.POST.get("why", ""), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        values = {"serial": found.serial, "move": Move(asked).label}
        messages.success(request, _("%(serial)s is %(move)s.") % values)
    return redirect(found)
