"""The certificate of a device: one page that travels with it.

Who it is, what was decided at each stage and by which limits, the numbers that this rests on, and
places to sign. What has no room is counted, and stands in the device's whole report.
"""

from __future__ import annotations

import io
import logging
import math
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from PIL import Image as Pictures
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Image, Spacer, Table, TableStyle

import mppcqa
from mppcqa.charts.paper.lettering import printable
from mppcqa.inventory.models import Attachment, Device
from mppcqa.public_address import PublicAddress
from mppcqa.reports.document import (
    BODY,
    CELL,
    HEAD,
    HEADING,
    HEIGHTS,
    SMALL,
    WIDTH,
    build,
    paragraph,
    shortened,
    table,
)
from mppcqa.reports.inputs import inputs_of, newest
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.letterhead import least_room
from mppcqa.reports.look import PLAIN, Look, look_about
from mppcqa.reports.pieces import beside, facts_table, signature_lines, signs, title_style
from mppcqa.reports.qr import Symbol
from mppcqa.reports.sections import Section, is_shown
from mppcqa.store.reading import FileFault, whole_path
from mppcqa.views.device import DeviceView, device_view
from mppcqa.views.stage import StageView
from mppcqa.views.verdict import JudgedLine

logger = logging.getLogger(__name__)
QR_WIDTH = 78.0
PHOTOGRAPH = 130.0
"""Width and height that a photograph may take, in points."""
PIXELS = 400
DECISION = ParagraphStyle("decision", parent=BODY, spaceBefore=5)
"""Of what people stand for, apart from the table above it."""
ORDER = {"fail": 0, "incomplete": 1, "warning": 2}
"""What is named first where there is no room for all."""


def certificate(device: Device, address: PublicAddress, paper: str = "A4") -> Written:
    """Certificate of a device as it stands now, in the current language."""
    view = device_view(device.serial, viewer=None)
    if view is None:
        raise Device.DoesNotExist(_("The device %s is not there any more.") % device.serial)
    look = look_about(device)
    return Written(lay_out(view, address, paper, look), view.serial, inputs_of(view, look))


def lay_out(
    view: DeviceView, address: PublicAddress, paper: str = "A4", look: Look = PLAIN
) -> bytes:
    """PDF of a view: one page."""
    footer = _("Certificate of %(serial)s; mppcqa %(version)s") % {
        "serial": view.serial,
        "version": mppcqa.__version__,
    }
    title = _("Certificate of %s") % view.serial
    story = story_of(view, address, paper, look)
    return build(
        story, title=title, footer=footer, paper=paper, as_of=newest(view), subject=view.kind
    )


def story_of(
    view: DeviceView, address: PublicAddress, paper: str = "A4", look: Look = PLAIN
) -> list[Any]:
    """What stands on the page of a view; it fits."""
    code = address.of_device(view.serial)
    heads = list(least_room(look))
    # At last what people stand for is cut to two lines each; the whole is in the device's report.
    for (above, below), brief in [*((head, False) for head in heads), (heads[-1], True)]:
        begin = [*above, _head(view, code, look), Spacer(1, 6)]
        if not view.stages:
            begin.append(paragraph(_("This device has not been measured yet.")))
        end = [*_decisions(view, brief), *below, Spacer(1, 10), _foot(code, look.signatures)]
        left = HEIGHTS[paper] - _height(begin) - _height(end) - 12
        stages = view.stages if is_shown("certificate", "stages", look) else ()
        middle = _middle(stages, left)
        if _height(middle) <= left:
            break
    # The foot stands at the lower edge, whatever is above it.
    end.insert(-1, Spacer(1, max(0.0, left - _height(middle))))
    return [*begin, *middle, *end]


def _foot(code: str, titles: tuple[str, ...]) -> Table:
    """A second symbol, as far as can be from the first: no blot takes both. Places to sign."""
    side = QR_WIDTH + 12
    titles = titles or (_("Tested by, date"), _("Released by, date"))
    lines = signature_lines(*titles, width=WIDTH - side - 6)
    made = Table([[Symbol(code, QR_WIDTH), lines]], colWidths=[side, WIDTH - side], hAlign="LEFT")
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                ("LEFTPADDING", (0, 0), (0, 0), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return made


def _height(story: list[Any]) -> float:
    """Height that parts take, with the gaps between them."""
    total = 0.0
    for part in story:
        total += part.wrap(WIDTH, math.inf)[1] + part.getSpaceBefore() + part.getSpaceAfter()
    return total


def _head(view: DeviceView, code: str, look: Look) -> Table:
    """Who it is, at the right how it looks and how it is found."""
    photograph = _photograph(view) if is_shown("certificate", "photograph", look) else None
    right: list[Any] = [Symbol(code, QR_WIDTH), paragraph(code, SMALL)]
    side = QR_WIDTH + 10
    if photograph is not None:
        right = [photograph, Spacer(1, 4), *right]
        side = PHOTOGRAPH + 10
    left = [
        paragraph(_("Certificate"), SMALL),
        paragraph(view.serial, title_style(view.serial)),
        facts_table(((fact.title, fact.text) for fact in view.facts), WIDTH - side - 10),
        Spacer(1, 4),
    ]
    if view.stages:
        states = [(one.verdict.state, f"{one.title}: {one.verdict.text}") for one in view.stages]
        left += signs(states, WIDTH - side - 20)
    return beside(left, right, side)


def _photograph(view: DeviceView) -> Image | None:
    """The picture that was chosen, or else the newest, small; None where none can be read."""
    there = [one for one in view.attachments if one.is_picture]
    if not there:
        return None
    row = Attachment.objects.get(pk=max(there, key=lambda one: (one.photograph, one.pk)).pk)
    try:
        with whole_path(row, in_haste=True) as path, Pictures.open(path) as found:
            found.draft("RGB", (PIXELS, PIXELS))
            found.thumbnail((PIXELS, PIXELS))
            return _as_flowable(found.convert("RGB"))
    except (FileFault, OSError, ValueError, Pictures.DecompressionBombError) as error:
        logger.warning("%s is not shown on the certificate of %s: %s", row, view.serial, error)
        return None


def _as_flowable(found: Pictures.Image) -> Image:
    buffer = io.BytesIO()
    found.save(buffer, "JPEG", quality=85)
    scale = PHOTOGRAPH / max(found.size)
    buffer.seek(0)
    return Image(buffer, found.width * scale, found.height * scale)


def _middle(stages: tuple[StageView, ...], room: float) -> list[Any]:
    """The stages with as many of their judged quantities as there is room for."""
    lines = max((len(one.judged) for one in stages), default=0)
    # Halved: heights are measured each time, and most certificates fit at once.
    low, high = 0, lines
    best = _stages(stages, high)
    if _height(best) <= room:
        return best
    while high - low > 1:
        middle = (low + high) // 2
        tried = _stages(stages, middle)
        low, high = (middle, high) if _height(tried) <= room else (low, middle)
    least = _stages(stages, low)
    return least if _height(least) <= room else [_briefly(stages, room)]


def _briefly(stages: tuple[StageView, ...], room: float) -> Table:
    """A line a stage, where there are so many that their headings alone fill the page."""
    heads = [paragraph(head, HEAD) for head in (_("Stage"), _("Verdict"), _("Limits"))]
    widths = [WIDTH * part for part in (0.35, 0.25, 0.4)]
    rows = [
        [paragraph(cell, CELL) for cell in (one.title, one.verdict.text, one.verdict.limits)]
        for one in stages
    ]
    made = table([heads, *rows], widths)
    kept = len(rows)
    while kept > 1 and made.wrap(WIDTH, math.inf)[1] > room:
        kept -= 1
        left = ngettext("one more stage", "%d more stages", len(rows) - kept)
        text = left % (len(rows) - kept) if "%d" in left else left
        made = table([heads, *rows[:kept], [paragraph(text, SMALL), "", ""]], widths)
    return made


def _stages(stages: tuple[StageView, ...], most: int) -> list[Any]:
    story: list[Any] = []
    for stage in stages:
        story.append(paragraph(stage.title, HEADING))
        if stage.verdict.limits:
            story.append(paragraph(_("Limits: %s.") % stage.verdict.limits, SMALL))
        else:
            story.append(paragraph(_("Not judged: no limit set is in use for this stage.")))
        chosen = sorted(stage.judged, key=lambda line: ORDER.get(line.outcome, 3))[:most]
        if chosen:
            story.append(_judged(chosen))
        if left := len(stage.judged) - len(chosen):
            text = ngettext(
                "One more quantity stands in the report of the device.",
                "%d more quantities stand in the report of the device.",
                left,
            )
            story.append(paragraph(text % left if "%d" in text else text, SMALL))
        if stage.problems:
            text = ngettext(
                "One thing could not be measured; see the report of the device.",
                "%d things could not be measured; see the report of the device.",
                len(stage.problems),
            )
            story.append(paragraph(text % len(stage.problems) if "%d" in text else text, SMALL))
    return story


def _judged(lines: list[JudgedLine]) -> Table:
    heads = _("Quantity"), _("Worst value"), _("Pass band"), _("Verdict")
    rows: list[list[Any]] = [[paragraph(head, HEAD) for head in heads]]
    for line in lines:
        at = f", {line.condition}" if line.condition else ""
        channel = "" if line.channel is None else f" ({_('ch.')} {line.channel})"
        cells = (
            line.title + at,
            line.worst + channel,
            line.pass_band,
            f"{line.outcome_text} {line.outside}".strip(),
        )
        rows.append([paragraph(cell, CELL) for cell in cells])
    return table(rows, [WIDTH * part for part in (0.34, 0.28, 0.2, 0.18)])


def _decisions(view: DeviceView, brief: bool) -> list[Any]:
    """Waivers and signatures: what people stand for."""
    waivers = ((one.title, one.verdict.waiver) for one in view.stages)
    texts = [
        f"{title}: {waiver.head}: {waiver.reason} ({waiver.granted})"
        for title, waiver in waivers
        if waiver is not None
    ]
    for one in view.sign_offs[:1]:
        outdated = f" ({_('verdicts have changed since')})" if one.outdated else ""
        texts.append(one.text + outdated)
    if brief:
        texts = [shortened(printable(text), 1.8 * WIDTH, BODY.fontSize) for text in texts]
    return [paragraph(text, DECISION) for text in texts]


def _sections() -> tuple[Section, ...]:
    """What may be left out; where the others stand on the page is given."""
    return (
        Section("photograph", gettext_lazy("Photograph")),
        Section("stages", gettext_lazy("Judged quantities")),
    )


KIND = ReportKind(
    "certificate",
    gettext_lazy("Certificate"),
    "inventory.device",
    certificate,
    place=20,
    sections=_sections,
)
