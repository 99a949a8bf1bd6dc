"""Entry point of the web server (gunicorn)."""

import gc
import os
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_backends
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.template import engines
from django.urls import Resolver404, get_resolver
from django.utils import translation

from mppcqa.database.age import TOO_OLD, is_too_old

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
gc.disable()  # until all is loaded
application = get_wsgi_application()
if is_too_old():
    raise ImproperlyConfigured(TOO_OLD)


def _load_pages() -> None:
    """Import what pages need now: else each worker's first visitor waits seconds for it."""
    from mppcqa.stages import all_stages

    all_stages()
    get_backends()
    with suppress(Resolver404):  # compiles the patterns of all addresses
        get_resolver().resolve("/there/is/no/such/page")
    # Compiled once here, not in each process where somebody is the first to open a page.
    jinja: Any = engines["jinja2"]
    for language, _title in settings.LANGUAGES:
        with translation.override(language):
            for name in jinja.env.list_templates(extensions=["html"]):
                jinja.env.get_template(name)


_load_pages()

# What stays for ever is not looked through again: that took 100 ms of every few large pages.
gc.collect()
gc.freeze()
gc.enable()
# A page makes some ten thousand objects and drops them all.
gc.set_threshold(10_000)

# A thread that has its answer from the database waits for the one that computes: not for 5 ms.
sys.setswitchinterval(0.0005)
