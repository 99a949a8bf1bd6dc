"""The Jinja2 environment of the pages: what every template may call.

Templates lie beside the views that render them, in a folder for each area; ``layout/`` has the
frame of a page and, in ``ui.html``, the pieces that pages are made of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

from django.forms import BoundField, CheckboxInput, Select
from django.template import defaultfilters, engines
from django.templatetags.i18n import language_name_local
from django.utils import translation
from django.utils.formats import localize
from django.utils.safestring import SafeString
from django_htmx.jinja import htmx_script
from markupsafe import Markup, escape

import mppcqa
from mppcqa.charts import in_script
from mppcqa.queue.models import State, lane_title
from mppcqa.results.models import Outcome
from mppcqa.retold import retold
from mppcqa.views import texts
from mppcqa.views.stage import in_words
from mppcqa.web import looks
from mppcqa.web.accounts.provider import provider, signs_there
from mppcqa.web.accounts.screens import screen_of
from mppcqa.web.addresses import address, static_address
from mppcqa.web.bound import of_all
from mppcqa.web.compiled import Environment
from mppcqa.web.evidence import evidence
from mppcqa.web.listing.cells import drawn_rows, plain_cell
from mppcqa.web.menu import main_menu
from mppcqa.web.scan.hand import in_hand
from mppcqa.web.zones import zone_name

DJANGO_FILTERS = (
    *("capfirst", "cut", "date", "default_if_none", "floatformat", "linebreaksbr"),
    *("stringformat", "truncatechars"),
)
LOCALIZED = (float, Decimal, dt.date)


def environment(**options: Any) -> Environment:
    """That of the language of now; made by `compiled.Pages`, which asks for escaping."""
    language = translation.get_language()
    made = Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=_finalize,
        **options,
    )
    # Texts may go over lines of a template; their catalogue has them in one.
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]
        _gettext, _ngettext, newstyle=True
    )
    made.text = partial(_plain, language)
    # Jinja2 wraps each call for `newstyle`; ours know of escaping and of values themselves.
    gettext = partial(_gettext, language)
    made.globals |= {"_": gettext, "gettext": gettext, "ngettext": _ngettext}
    made.filters |= {name: getattr(defaultfilters, name) for name in DJANGO_FILTERS}
    own: Callable[..., str]
    for own in (
        looks.clock,
        looks.duration,
        looks.event_icon,
        looks.grouped,
        looks.moment,
        looks.part,
        looks.rough,
        looks.short,
        looks.told,
    ):
        made.filters[own.__name__] = own
    for own in (looks.size, looks.state_icon, looks.state_kind, looks.whereabouts):
        made.filters[own.__name__] = own
    made.filters |= {
        "evidence": evidence,
        "lane": lane_title,
        "problem": in_words,
        "retold": retold,
    }
    made.filters["language_name_local"] = language_name_local
    made.globals |= {
        "badge": partial(badge, language),
        "band": texts.band,
        "control": control,
        "drawn_rows": drawn_rows,
        "htmx_script": htmx_script,
        "in_hand": in_hand,
        "in_script": lambda spec: Markup(in_script(spec)),  # noqa: S704 (it is escaped there)
        "kind_of": looks.kind_of,
        "main_menu": main_menu,
        "measured": texts.measured,
        "of_all": of_all,
        "outcome_badge": partial(outcome_badge, language),
        "plain_cell": plain_cell,
        "provider": provider,
        "query": looks.query,
        "screen_of": screen_of,
        "signs_there": signs_there,
        "static": static_address,
        "task_badge": partial(task_badge, language),
        "url": address,
        "version": mppcqa.__version__,
        "zone_name": zone_name,
    }
    return made


def _gettext(language: str | None, text: str, /, **values: Any) -> Markup:
    """A text in the reader's language: of a template, whose values are escaped and it is not.

    What a template says without values is put in when it is compiled. So a text without values is
    one that something else brought, such as the title of a package's stage: it is escaped.
    """
    return _translated(language, text) % values if values else _brought(language, str(text))


def _ngettext(one: str, many: str, n: Any, /, **values: Any) -> Markup:
    """A text with a number; `n` is how many."""
    found = Markup(translation.ngettext(one, many, n))  # noqa: S704 (a text of our catalogue)
    return found % {"num": n, **values}


@lru_cache(10_000)
def _translated(_language: str | None, text: str) -> Markup:
    return Markup(translation.gettext(text))  # noqa: S704 (a text of our catalogue)


@lru_cache(10_000)
def _plain(language: str | None, text: str) -> Markup:
    """A table says the same words in each of its rows."""
    return _translated(language, text) % {}


@lru_cache(10_000)
def _brought(_language: str | None, text: str) -> Markup:
    return escape(translation.gettext(text))


def _finalize(value: Any) -> Any:
    """Numbers and dates as the reader's language has them."""
    return localize(value) if isinstance(value, LOCALIZED) else value


def badge(language: str | None, state: Any, text: Any = "") -> Markup:
    """A state or an outcome as a coloured word with an icon."""
    return _drawn(language, state, text)


@lru_cache(2000, typed=True)  # a state that has a label equals one that is only its key
def _drawn(_language: str | None, state: Any, text: Any) -> Markup:
    """A few words are said hundreds of times on a page."""
    jinja: Any = engines["jinja2"]
    pieces = jinja.env.get_template("web/layout/ui.html").module
    drawn: Markup = pieces.drawn_badge(*looks.kind_of(state), looks.words_of(state, text))
    return drawn


def task_badge(language: str | None, state: str) -> Markup:
    """A task's state that comes as its key; `get_state_display` translates all states each time."""
    return badge(language, State(state))


def outcome_badge(language: str | None, outcome: str) -> Markup:
    """An outcome that comes as its key."""
    return badge(language, outcome, Outcome(outcome).label if outcome in Outcome.values else "")


def control(field: BoundField) -> SafeString:
    """The control of a form's field with the classes of its kind, and whether it was refused."""
    widget = field.field.widget
    if isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-check-input" if isinstance(widget, CheckboxInput) else "form-control"
    parts = [css, widget.attrs.get("class", "")]
    if field.form.is_bound and field.errors:
        parts.append("is-invalid")
    return field.as_widget(attrs={"class": " ".join(filter(None, parts))})
