"""The page of any list, its file, its columns, and what is done with many of its rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.exchange.writers import writers
from mppcqa.refused import Fault, Refused
from mppcqa.typed import whole
from mppcqa.web.access import person
from mppcqa.web.listing.declare import Bulk, Listing
from mppcqa.web.listing.download import as_file
from mppcqa.web.listing.shown import KEPT, Shown
from mppcqa.web.looks import query
from mppcqa.web.paging import first_keys
from mppcqa.web.reading import NotTaken, line

MOST_AT_ONCE = 500
PAGE = "web/listing/page.html"


def show_list(
    request: HttpRequest, listing: Listing, template: str = PAGE, *, status: int = 200, **more: Any
) -> HttpResponseBase:
    """A list as its address asks for it; `status` and `more` are for a template of its own."""
    if is_for_list(request):
        return _posted(request, listing)
    shown = Shown(request, listing)
    if (form := request.GET.get("download")) in writers():
        return as_file(shown, form)
    context = {"list": shown, **shown.more, **more}
    return render(request, template, context, status=status)


def is_for_list(request: HttpRequest) -> bool:
    """Whether a form was sent that belongs to the list, and not to a page that has one."""
    return request.method == "POST" and "list" in request.POST


def _posted(request: HttpRequest, listing: Listing) -> HttpResponseBase:
    """The choice of columns, or a bulk action."""
    if "action" not in request.POST:
        return _choose(request, listing)
    shown = Shown(request, listing)
    action = next((one for one in shown.bulk if one.key == request.POST["action"]), None)
    if action is None:
        if any(one.key == request.POST["action"] for one in listing.bulk):
            raise PermissionDenied
        messages.error(request, _("Choose what is done with the rows."))
        return redirect(request.get_full_path())
    keys = _rows(request, shown)
    if not keys:
        messages.error(request, _("Choose rows first, by the boxes before them."))
        return redirect(request.get_full_path())
    if action.page:
        chosen = urlencode({action.rows_as: ",".join(map(str, keys))}, safe=",")
        return redirect(f"{reverse(action.page)}?{chosen}")
    faults: list[Fault] = []
    chosen = _chosen(request, action)
    if "confirmed" in request.POST and (chosen or action.choice is None):
        given = chosen or line(request.POST, "reason", 200)
        try:
            said = action.do(keys, given, person(request))
        except Refused as error:
            faults = error.faults
        else:
            messages.success(request, said)
            return redirect(request.get_full_path())
    return _preview(request, listing, action, keys, faults)


def _chosen(request: HttpRequest, action: Bulk) -> str:
    """What was chosen for an action; empty where nothing was that this person may choose."""
    sent = request.POST.get("choice", "")
    if not sent or action.choice is None:
        return ""
    return sent if sent in {key for key, _title in action.choice.options(request.user)} else ""


def _choose(request: HttpRequest, listing: Listing) -> HttpResponseBase:
    """Keep the columns that somebody chose, and show them by an address that says so."""
    known = [one.key for one in listing.all_columns()]
    sent = request.POST.getlist("columns")
    chosen = ",".join(key for key in known if key in sent or key == known[0])
    usual = "usual" in request.POST
    kept = dict(request.session.get(KEPT, {}))
    kept[listing.name] = "" if usual else chosen
    request.session[KEPT] = kept
    return redirect(request.path + query(request.GET, columns=None if usual else chosen))


def _rows(request: HttpRequest, shown: Shown) -> list[int]:
    """Keys of the rows that were ticked, or of all that fit."""
    if "everything" in request.POST:
        keys = first_keys(shown.rows, shown.order, MOST_AT_ONCE + 1)
    else:
        sent = [whole(text) for text in request.POST.getlist("row")[: MOST_AT_ONCE + 1]]
        ticked = [number for number in sent if number is not None]
        assert shown.listing.every is not None  # noqa: S101
        # Asked for again: who may not see a row does nothing with it.
        every = shown.listing.every(request.user).filter(pk__in=ticked)
        keys = list(every.order_by("pk").values_list("pk", flat=True))
    if len(keys) > MOST_AT_ONCE:
        raise NotTaken(_("At most %d rows at once: use the filters.") % MOST_AT_ONCE)
    return keys


def _preview(
    request: HttpRequest, listing: Listing, action: Bulk, keys: list[int], faults: list[Fault]
) -> HttpResponseBase:
    """What a bulk action would do with each row, before anything is done."""
    chosen = _chosen(request, action)
    if action.choice is None:
        effects = action.preview(keys)
    else:
        effects = action.choice.preview(keys, chosen) if chosen else []
    context = {
        "chosen": chosen,
        "keys": keys,
        "options": list(action.choice.options(request.user)) if action.choice else (),
        "listing": listing,
        "action": action,
        "done": [one for one in effects if not one.refused],
        "left": [one for one in effects if one.refused],
        "faults": faults,
        "reason": request.POST.get("reason", ""),
    }
    status = 422 if faults else 200
    return render(request, "web/listing/preview.html", context, status=status)
