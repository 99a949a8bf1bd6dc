"""Which labels, of which size, on what."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.reports.labels.printers import printers
from mppcqa.reports.labels.sizes import PAPERS_MM, SHEETS, Sheet
from mppcqa.typed import number
from mppcqa.web.labels.about import Group

OWN, TAPE = "own", "tape"
PAPERS = {"A4": "A4", "letter": gettext_lazy("Letter")}
DPI = (203, 300, 600)
SHORT, ADDRESS = "short", "address"


class Length(forms.CharField):
    """A length in mm, with a decimal point or comma; None where none is given."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def __init__(self, label: Any, least: float, most: float) -> None:
        super().__init__(label=label, required=False, max_length=40)
        self.least, self.most = least, most

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = number(text)
        if found is None or not self.least <= found <= self.most:
            said = _("A length from %(least)g to %(most)g mm, such as 38.1.")
            raise forms.ValidationError(said % {"least": self.least, "most": self.most})
        return found


class LabelForm(forms.Form):
    """What is printed. Sizes are asked for by a sheet of one's own, tape and printers."""

    what = forms.MultipleChoiceField(
        label=gettext_lazy("Labels for"), widget=forms.CheckboxSelectMultiple
    )
    size = forms.ChoiceField(label=gettext_lazy("Sheet or printer"))
    start = forms.IntegerField(
        label=gettext_lazy("First free label of the sheet"),
        min_value=1,
        required=False,
        help_text=gettext_lazy("Counted line by line from 1; empty for a whole sheet."),
    )
    says = forms.ChoiceField(label=gettext_lazy("The codes say"))
    width = Length(gettext_lazy("Label's width [mm]"), 5, 300)
    height = Length(gettext_lazy("Label's height [mm]"), 5, 300)
    rows = forms.IntegerField(label=gettext_lazy("Rows"), min_value=1, max_value=60, required=False)
    columns = forms.IntegerField(
        label=gettext_lazy("Columns"), min_value=1, max_value=40, required=False
    )
    left = Length(gettext_lazy("Left margin [mm]"), 0, 200)
    top = Length(gettext_lazy("Top margin [mm]"), 0, 200)
    gap_x = Length(gettext_lazy("Gap between columns [mm]"), 0, 100)
    gap_y = Length(gettext_lazy("Gap between rows [mm]"), 0, 100)
    paper = forms.ChoiceField(
        label=gettext_lazy("Paper"), choices=list(PAPERS.items()), required=False
    )
    dpi = forms.TypedChoiceField(
        label=gettext_lazy("Printer's dots an inch"),
        choices=[(one, str(one)) for one in DPI],
        coerce=int,
        required=False,
    )
    small_is_known = forms.BooleanField(
        label=gettext_lazy("Print codes that are too small for the label all the same"),
        required=False,
    )

    USUAL = ("what", "size", "start", "says", "small_is_known")

    def __init__(self, offered: list[Group], url: str, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        fields: dict[str, Any] = self.fields
        fields["what"].choices = [(one.key, one.title) for one in offered]
        fields["what"].initial = [one.key for one in offered if one.chosen]
        fields["size"].choices = [
            *((key, _sold(key, one)) for key, one in SHEETS.items()),
            (OWN, _("A sheet of own size")),
            (TAPE, _("Tape, one label a page (PDF)")),
            *((key, one.title) for key, one in printers().items()),
        ]
        short = (SHORT, _("what scanners need, as short as it can be"))
        address = (ADDRESS, _("the page's address, for telephones as well"))
        fields["says"].choices = [short, address] if url else [short]

    def usual(self) -> list[Any]:
        """Fields that everybody needs."""
        return [self[name] for name in self.USUAL]

    def own(self) -> list[Any]:
        """Fields of own sizes."""
        return [self[name] for name in self.fields if name not in self.USUAL]

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        values["dpi"] = values.get("dpi") or DPI[0]
        size = values.get("size")
        needed: tuple[str, ...] = ()
        if size == TAPE or size in printers():
            needed = ("width", "height")
        elif size == OWN:
            needed = ("width", "height", "rows", "columns", "left", "top")
        for name in needed:
            if values.get(name) is None and name not in self.errors:
                self.add_error(name, _("This is needed for the size that was chosen."))
        if not self.errors and size != TAPE and size not in printers():
            self._check(self.sheet())
        return values

    def _check(self, sheet: Sheet) -> None:
        for fault in sheet.faults():
            self.add_error(fault.field, str(fault))
        if (self.cleaned_data.get("start") or 1) > sheet.number:
            said = _("The sheet has %d labels.") % sheet.number
            self.add_error("start", said)

    def sheet(self) -> Sheet:
        """The sheet that was chosen or described."""
        values = self.cleaned_data
        if values["size"] in SHEETS:
            return SHEETS[values["size"]]
        lengths = {name: values[name] for name in ("width", "height", "left", "top")}
        return Sheet(
            paper=values["paper"] or next(iter(PAPERS_MM)),
            rows=values["rows"],
            columns=values["columns"],
            gap_x=values["gap_x"] or 0.0,
            gap_y=values["gap_y"] or 0.0,
            **lengths,
        )


def _sold(key: str, sheet: Sheet) -> str:
    return _("Avery %(key)s, %(paper)s: %(n)d of %(width)g × %(height)g mm") % {
        "key": key,
        "paper": PAPERS[sheet.paper],
        "n": sheet.number,
        "width": sheet.width,
        "height": sheet.height,
    }
