"""The institution's look of reports: a form, and a certificate as it would be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from mppcqa.inventory.models import Device, Institute
from mppcqa.refused import Refused
from mppcqa.reports.document import PAPERS
from mppcqa.reports.look import (
    DEFAULT,
    LINE_CONTRAST,
    TEXT_CONTRAST,
    Look,
    LookRefused,
    check_colour,
    check_logo,
    check_signatures,
    in_language,
    kept_logo,
    save_look,
)
from mppcqa.reports.models import ReportLook
from mppcqa.views.device import device_view
from mppcqa.web import edits
from mppcqa.web.access import allowed
from mppcqa.web.devices.data import address_for_others
from mppcqa.web.reading import model_field

RIGHT = "inventory.change_institute"

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[ReportLook]
else:
    _ModelForm = forms.ModelForm


class LookForm(_ModelForm):
    """What an institution's reports look like; each field may be left empty."""

    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        widget=forms.FileInput({"accept": "image/png,image/jpeg"}),
        help_text=gettext_lazy("PNG or JPEG, up to 2 MB. Without a file the logo stays as it is."),
    )
    no_logo = forms.BooleanField(label=gettext_lazy("Remove the logo"), required=False)

    class Meta:
        model = ReportLook
        formfield_callback = model_field
        fields = (
            *("name", "address", "colour", "accent", "signatures_en", "signatures_es"),
            *("closing_en", "closing_es"),
        )
        widgets = {
            name: forms.Textarea({"rows": 3})
            for name in ("address", "signatures_en", "signatures_es", "closing_en", "closing_es")
        }
        help_texts = {
            "colour": gettext_lazy("Such as #1d4f91."),
            "accent": gettext_lazy("Such as #c77700."),
            "signatures_en": gettext_lazy("A title a line, up to four; empty: those of ours."),
            "signatures_es": gettext_lazy("The same lines in the same order."),
            "closing_en": gettext_lazy("Stands at the end of each report."),
        }

    field_order = ("name", "logo", "no_logo", "address")

    def clean_logo(self) -> bytes:
        """Its bytes; none where no file was sent."""
        file = self.cleaned_data["logo"]
        if not file:
            return b""
        try:
            return check_logo(file, file.size)
        except LookRefused as error:
            raise ValidationError(str(error)) from None

    def clean_colour(self) -> str:
        return self._colour("colour", TEXT_CONTRAST)

    def clean_accent(self) -> str:
        return self._colour("accent", LINE_CONTRAST)

    def _colour(self, name: str, least: float) -> str:
        text = str(self.cleaned_data[name])
        try:
            return check_colour(text, least) if text else ""
        except LookRefused as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        try:
            check_signatures(values.get("signatures_en", ""), values.get("signatures_es", ""))
        except LookRefused as error:
            self.add_error("signatures_es", str(error))
        one, other = values.get("closing_en", ""), values.get("closing_es", "")
        if bool(one) != bool(other) and not {"closing_en", "closing_es"} & set(self.errors):
            self.add_error("closing_es" if one else "closing_en", _("Write it in both languages."))
        return values


def _parts(row: ReportLook) -> list[edits.Part]:
    shown = [
        one for one in edits.parts_of(LookForm(instance=row)) if one.name not in ("logo", "no_logo")
    ]
    return [*shown, edits.part("logo-kept", _("Logo"), row.sha256[:12], only_seen=True)]


def held_look(number: int, *, held: bool = False) -> ReportLook:
    """The look of an institute, or the default one; 404 where there is no such institute."""
    place = None if number == DEFAULT else get_object_or_404(Institute, pk=number)
    rows = ReportLook.objects.select_related("institute")
    if held:
        # Made first where there is none: of two who save the first look, one comes second.
        ReportLook.objects.get_or_create(key=str(number), defaults={"institute": place})
        return edits.locked(ReportLook, key=str(number))
    return rows.filter(key=str(number)).first() or ReportLook(key=str(number), institute=place)


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def look(request: HttpRequest, number: int) -> HttpResponse:
    """Change how an institute's reports look."""
    back = reverse("catalogue_list", args=["institutes"])
    with edits.changing(request):
        row = held_look(number, held=request.method == "POST")
        edit = edits.begin(request, row, _parts(row), back)
        if edit.conflict:
            return edit.both()
        form = LookForm(edit.data, request.FILES or None, instance=row)
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            saved = save_look(form.instance, values["logo"], remove=values["no_logo"])
            edit.saved(saved, _parts(saved))
            messages.success(request, _("The look is kept: reports have it from now on."))
            return redirect("report_look", number)
    return _page(request, number, row, form, edit.mark)


def _page(
    request: HttpRequest, number: int, row: ReportLook, form: LookForm, mark: str
) -> HttpResponse:
    stored = ReportLook.objects.filter(key=str(number)).first()
    context = {
        "form": form,
        "number": number,
        "mark": mark,
        "place": row.institute or _("Default look"),
        "has_logo": stored is not None and bool(stored.file),
        "papers": PAPERS,
    }
    status = 422 if form.errors else 200
    return render(request, "web/reports/look.html", context, status=status)


@require_POST
@allowed(RIGHT)
def preview(request: HttpRequest, number: int) -> HttpResponse:
    """The certificate of the newest device with a look as it is typed; nothing is kept."""
    from mppcqa.reports.certificate import lay_out

    row = held_look(number)
    mark = edits.mark_of(_parts(row))
    form = LookForm(request.POST, request.FILES or None, instance=row)
    if not form.is_valid():
        return _page(request, number, row, form, request.POST.get(edits.MARK, mark))
    there = Device.objects.visible_to(request.user)
    owned = there.filter(owner=number or None).order_by("-pk").first()
    device = owned or there.order_by("-pk").first()
    view = None if device is None else device_view(device.serial, viewer=request.user)
    if view is None:
        raise NoDevice(_("There is no device whose certificate could be shown."))
    paper = request.GET.get("paper", "")
    paper = paper if paper in PAPERS else "A4"
    data = lay_out(view, address_for_others(request), paper, _typed(form, row))
    response = HttpResponse(data, content_type="application/pdf")
    response.headers["Content-Disposition"] = 'inline; filename="look.pdf"'
    return response


class NoDevice(Refused):
    """There is nothing to show a look on."""


def _typed(form: LookForm, row: ReportLook) -> Look:
    new = form.cleaned_data["logo"]
    logo = new or (b"" if form.cleaned_data["no_logo"] else kept_logo(row))
    return in_language(form.instance, logo, hashlib.sha256(logo).hexdigest())
