"""What the catalogue keeps: lists and forms of the things that devices refer to."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import modelform_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot, Maker, Tag, Tray
from mppcqa.inventory.naming import LAST_FIELD
from mppcqa.inventory.scope import ScopedQuerySet, Viewer, scope_of
from mppcqa.inventory.serials import fits
from mppcqa.queue.lanes import is_busy
from mppcqa.runs.actions import find_device, remove_station, save_station
from mppcqa.runs.contact import known_programs
from mppcqa.runs.instruments import Instrument
from mppcqa.runs.models import Station
from mppcqa.signing.models import Act
from mppcqa.web.catalogue.channel_order import order_fault
from mppcqa.web.catalogue.stages_field import StagesField, stages_help
from mppcqa.web.reading import model_field
from mppcqa.web.stages import stage_titles


@dataclass(frozen=True)
class Entry:
    """One kind of thing."""

    key: str
    title: Any
    one: Any
    icon: str
    model: type[models.Model]
    fields: tuple[str, ...]
    columns: tuple[str, ...]
    form: Callable[..., forms.ModelForm[Any]]
    used: str = ""
    """Filter of the device list that shows its devices."""
    used_by_key: bool = False
    """Whether that filter asks for the key instead of the name."""
    remove: Callable[[Any], Any] = methodcaller("delete")
    own_list: str = ""
    """The page that lists them, where that is not the catalogue's."""

    def rows(self, viewer: Viewer) -> models.QuerySet[Any]:
        """Those that a person sees: of what hangs on devices, where some of them are seen."""
        found = self.model._default_manager.all()
        return found.visible_to(viewer) if isinstance(found, ScopedQuerySet) else found

    @property
    def add_right(self) -> str:
        return f"{self.model._meta.app_label}.add_{self.model._meta.model_name}"

    @property
    def change_right(self) -> str:
        return f"{self.model._meta.app_label}.change_{self.model._meta.model_name}"

    @property
    def delete_right(self) -> str:
        return f"{self.model._meta.app_label}.delete_{self.model._meta.model_name}"


MOST_CHANNELS = 4096
MOST_PLACES = 10_000
"""Positions of a tray; its page draws each."""


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
    _ModelChoiceField = forms.ModelChoiceField[Device]
else:
    _ModelForm = forms.ModelForm
    _ModelChoiceField = forms.ModelChoiceField


class EntryForm(_ModelForm):
    """A thing with a name. ``a`` and ``A`` are one name, as they are on MariaDB."""

    class Meta:
        formfield_callback = model_field

    in_address = False
    """Whether the name is a part of its page's address."""

    def __init__(self, *arguments: Any, viewer: Viewer = None, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.viewer = viewer

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if self.in_address and (set("/\\") & set(name) or not name.strip(".")):
            raise ValidationError(_("A name is no path: leave out slashes."))
        return name

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if name := values.get("name"):
            others = self._meta.model.objects.filter(name__iexact=name).exclude(pk=self.instance.pk)
            if "maker" in self.fields and self._meta.model is Lot:
                others = others.filter(maker=values.get("maker"))
            if others.exists():
                self.add_error("name", _("There is one of this name already."))
        if not isinstance(values.get("maker_values", {}), dict):
            self.add_error("maker_values", _('Write names with values, as in {"Vop": 55.3}.'))
        return values


class DeviceTypeForm(EntryForm):
    """A device type: channels in rows and columns, and what its serials look like."""

    class Meta(EntryForm.Meta):
        model = DeviceType
        fields = (
            *("name", "maker", "rows", "columns", "channel_order", "nominal_breakdown_v"),
            *("serial_pattern", "serial_check", "serial_next", "description"),
        )

    def clean_serial_pattern(self) -> str:
        pattern = self.cleaned_data["serial_pattern"]
        try:
            fits("", pattern)
        except ValueError as error:
            raise ValidationError(_("This is no regular expression: %s") % error) from None
        return str(pattern)

    def clean_serial_next(self) -> str:
        form = str(self.cleaned_data["serial_next"])
        odd = len(LAST_FIELD.split(form)) != 2 or set("{}") & set(LAST_FIELD.sub("", form))
        if form and odd:
            raise ValidationError(_("Write the number once, as in S12045-{number:05d}."))
        return form

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        order, rows, columns = (values.get(n) for n in ("channel_order", "rows", "columns"))
        if not rows or not columns:
            raise ValidationError(_("A type has at least one row and one column."))
        if rows * columns > MOST_CHANNELS:
            raise ValidationError(_("A type has at most %d channels.") % MOST_CHANNELS)
        if fault := order_fault(order, rows * columns):
            self.add_error("channel_order", fault)
        resized = self.instance.pk and {"rows", "columns"} & set(self.changed_data)
        if resized and self.instance.devices.exists():
            raise ValidationError(
                _("Devices of this type are registered: rows and columns stay what they are.")
            )
        return values


class TrayForm(EntryForm):
    """A tray; it can't shrink below its devices."""

    in_address = True

    class Meta(EntryForm.Meta):
        model = Tray
        fields = ("name", "rows", "columns", "lot", "location")

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if (values.get("rows") or 0) * (values.get("columns") or 0) > MOST_PLACES:
            raise ValidationError(_("A tray has at most %d positions.") % MOST_PLACES)
        if self.instance.pk and values.get("rows") and values.get("columns"):
            outside = models.Q(tray_row__gte=values["rows"])
            outside |= models.Q(tray_column__gte=values["columns"])
            if self.instance.devices.filter(outside).exists():
                raise ValidationError(_("Devices lie outside these rows and columns."))
        return values


class DeviceField(_ModelChoiceField):
    """A device by its serial number, scanned or typed: a list of all would have no end."""

    widget = forms.TextInput
    viewer: Viewer = None
    """Who fills it in: what this person does not see is not there."""

    def to_python(self, value: Any) -> Device | None:
        if value in self.empty_values:
            return None
        found = find_device(str(value), self.viewer)
        if found is None:
            raise ValidationError(_("No device has this serial number."), code="unknown")
        return found

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            seen = Device.objects.visible_to(self.viewer)
            return seen.filter(pk=value).values_list("serial", flat=True).first()
        return value


class CommandField(forms.CharField):
    """A program with its arguments as one types them; kept as a list, no shell reads it."""

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **named: Any) -> None:
        del encoder, decoder  # a model's JSON field brings them
        super().__init__(**named)

    def prepare_value(self, value: Any) -> Any:
        return shlex.join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        try:
            return shlex.split(super().to_python(value) or "")
        except ValueError:
            raise ValidationError(_("A quotation mark is not closed."), code="quote") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class CampaignForm(EntryForm):
    """A campaign; what it takes can't be less than what is in it."""

    class Meta(EntryForm.Meta):
        model = Campaign
        fields = ("name", "device_types", "institutes", "stages", "two_sign", "description")
        field_classes = {"stages": StagesField}
        widgets = {
            "device_types": forms.CheckboxSelectMultiple,
            "institutes": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        two = self.fields["two_sign"]
        self.fields["two_sign"] = forms.MultipleChoiceField(
            choices=Act.choices,
            label=two.label,
            help_text=two.help_text,
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )
        stages = cast(StagesField, self.fields["stages"])
        stages.conditions = self.instance.conditions
        stages.help_text = stages_help()

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if "stages" in values:
            self.instance.conditions = cast(StagesField, self.fields["stages"]).typed
        inside = Device.objects.filter(campaign=self.instance.pk)
        for name, column in (("device_types", "device_type"), ("institutes", "owner")):
            taken = values.get(name)
            if self.instance.pk == FIRST and taken:
                text = _("Devices of which nobody says a campaign are in this one: it takes all.")
                self.add_error(name, text)
            elif self.instance.pk and taken:
                allowed = models.Q(**{f"{column}__in": taken})
                # Not by exclude alone, which knows nothing of those without an owner.
                other = inside.filter(~allowed | models.Q(**{f"{column}__isnull": True})).first()
                if other is not None:
                    text = _("%s is in it and would not be taken; change that device first.")
                    seen = scope_of(self.viewer).has(other)
                    self.add_error(name, text % (other if seen else _("A device")))
        return values


class StationForm(EntryForm):
    """A test bench."""

    in_address = True

    class Meta(EntryForm.Meta):
        model = Station
        fields = (
            *("name", "stage", "institute", "slots", "device_type", "program", "make_safe"),
            *("remote", "program_name"),
            *("time_limit_s", "expiry", "bad_contact", "reference_device", "reference_every_days"),
        )
        field_classes = {
            "reference_device": DeviceField,
            "program": CommandField,
            "make_safe": CommandField,
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        cast(DeviceField, self.fields["reference_device"]).viewer = self.viewer
        self.fields["stage"] = forms.ChoiceField(
            choices=list(stage_titles().items()), label=self.fields["stage"].label
        )
        if self.instance.remote:
            # Its computer has the commands; of its list one is chosen, and none is typed.
            del self.fields["program"], self.fields["make_safe"]
            self.fields["program_name"] = self._program_choice()

    def _program_choice(self) -> forms.ChoiceField:
        former = self.fields["program_name"]
        programs = known_programs(self.instance) or []
        names = list(dict.fromkeys(one["name"] for one in programs))
        if self.instance.program_name and self.instance.program_name not in names:
            names.append(self.instance.program_name)
        return forms.ChoiceField(
            choices=[("", _("the only one for the stage")), *((name, name) for name in names)],
            label=former.label,
            help_text=former.help_text,
            required=False,
        )

    def clean_reference_device(self) -> Device | None:
        """What was typed; one that the person does not see stays where nothing was."""
        typed: Device | None = self.cleaned_data["reference_device"]
        former = self.initial.get("reference_device")
        if typed is None and former is not None:
            known = Device.objects.get(pk=former)
            return None if scope_of(self.viewer).has(known) else known
        return typed

    def clean_name(self) -> str:
        """Another name only while nothing waits or runs there under the old one."""
        name = super().clean_name()
        former = self.initial.get("name", name)
        if name != former and is_busy(Station(name=former).lane):
            raise forms.ValidationError(
                _("Tasks of %s wait or run; rename it when they have ended.") % former
            )
        return name

    def save(self, commit: bool = True) -> Station:
        assert commit  # noqa: S101
        save_station(self.instance)
        return cast(Station, self.instance)


def _form(model: type[models.Model], *fields: str) -> type[forms.ModelForm[Any]]:
    return modelform_factory(model, form=EntryForm, fields=fields, formfield_callback=model_field)


def _entry(
    key: str, title: Any, one: Any, icon: str, form: Any, columns: tuple[str, ...], **more: Any
) -> Entry:
    model = form._meta.model
    return Entry(key, title, one, icon, model, tuple(form._meta.fields), columns, form, **more)


ENTRIES = {
    entry.key: entry
    for entry in (
        _entry(
            "types",
            gettext_lazy("Device types"),
            gettext_lazy("Device type"),
            "cpu",
            DeviceTypeForm,
            ("name", "maker", "rows", "columns", "nominal_breakdown_v"),
        ),
        _entry(
            "makers",
            gettext_lazy("Makers"),
            gettext_lazy("Maker"),
            "building-factory",
            _form(Maker, "name"),
            ("name",),
        ),
        _entry(
            "lots",
            gettext_lazy("Lots"),
            gettext_lazy("Lot"),
            "packages",
            _form(Lot, "name", "maker", "maker_values"),
            ("name", "maker"),
            used="lot",
        ),
        _entry(
            "trays",
            gettext_lazy("Trays"),
            gettext_lazy("Tray"),
            "grid-dots",
            TrayForm,
            ("name", "rows", "columns", "lot", "location"),
            used="tray",
        ),
        _entry(
            "institutes",
            gettext_lazy("Institutes"),
            gettext_lazy("Institute"),
            "building",
            _form(Institute, "name", "address"),
            ("name",),
        ),
        _entry(
            "campaigns",
            gettext_lazy("Campaigns"),
            gettext_lazy("Campaign"),
            "flag",
            CampaignForm,
            ("name", "description"),
            used="campaign",
            used_by_key=True,
        ),
        _entry(
            "tags",
            gettext_lazy("Tags"),
            gettext_lazy("Tag"),
            "tag",
            _form(Tag, "name"),
            ("name",),
            used="tag",
        ),
        _entry(
            "stations",
            gettext_lazy("Stations"),
            gettext_lazy("Station"),
            "plug-connected",
            StationForm,
            ("name", "stage", "institute", "slots"),
            remove=remove_station,
        ),
        _entry(
            "instruments",
            gettext_lazy("Instruments"),
            gettext_lazy("Instrument"),
            "gauge",
            _form(Instrument, "name", "kind", "maker", "model", "serial", "institute", "note"),
            ("name", "kind", "maker", "model", "serial", "station", "calibrated_until"),
            own_list="instrument_list",
        ),
    )
}
