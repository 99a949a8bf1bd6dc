"""The scan box: from whatever a scanner reads to the page it means."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET

from mppcqa.codes import scanned_serial
from mppcqa.inventory.models import Device, SerialAlias, Tray


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Lead to the device, its new name, or a tray; to the list where nothing fits exactly."""
    serial = scanned_serial(request.GET.get("q", ""))
    if not serial:
        return redirect("device_list")
    if Device.objects.visible_to(request.user).filter(serial=serial).exists():
        return redirect("device", serial)
    aliases = SerialAlias.objects.visible_to(request.user).filter(serial=serial)
    former = aliases.select_related("device").first()
    if former is not None:
        return redirect("device", former.device.serial)
    tray = Tray.objects.visible_to(request.user).filter(name__iexact=serial).first()
    if tray is not None:
        return redirect(tray)
    return redirect(f"{reverse('device_list')}?{urlencode({'q': serial})}")
