"""What the program declares to those outside it is as it was: who changes it says so, by recording.

Fields of forms, commands, rights, stages with their quantities and limits, and addresses.
``MPPCQA_RECORD=1 pytest tests/project/test_declared.py`` writes `declared.json` anew; what
changed in it is read before it is committed.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from django import forms
from django.core.management import call_command
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.functional import Promise
from django.utils.translation import override

import mppcqa
from mppcqa.cli import main
from mppcqa.people.roles import ROLES
from mppcqa.stages import all_stages
from tests.kept import Kept

KEPT = Kept(Path(__file__).with_name("declared.json"))
OURS = ("darkbox", "inspection", "iv", "pde", "stage2", "tray_survey")
"""Stages of this package; others may be installed beside."""
DEEP = 8


def plain(value: Any, deep: int = DEEP) -> Any:
    """As it can be kept: numbers, texts, what is called by its name, what has fields by those."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() | np.floating():
            return float(f"{value:.12g}")
        case Promise():
            return str(value)
        case Path() | type():
            return getattr(value, "__name__", "a path")
        case Mapping():
            return {str(key): plain(one, deep - 1) for key, one in value.items()}
        case frozenset() | set():
            return sorted(str(one) for one in value)
        case list() | tuple():
            return [plain(one, deep - 1) for one in value]
        case _ if is_dataclass(value) and deep:
            own = {one.name: getattr(value, one.name) for one in fields(value)}
            return plain(own, deep - 1)
        case _:
            return getattr(value, "__qualname__", type(value).__name__)


def every(kind: type) -> list[type]:
    """Classes of this package that are of a kind."""
    for module in pkgutil.walk_packages(mppcqa.__path__, "mppcqa."):
        # What starts a server, or a command, declares nothing.
        if not re.search(r"\.migrations|__main__$|\.project\.", module.name):
            importlib.import_module(module.name)

    def below(one: type) -> Iterator[type]:
        for each in one.__subclasses__():
            yield each
            yield from below(each)

    found = {one for one in below(kind) if one.__module__.startswith("mppcqa.")}
    return sorted(found, key=lambda one: (one.__module__, one.__qualname__))


def of_forms() -> dict[str, Any]:
    """Each form's fields; those that are made for one instance alone are not among them."""
    return {
        f"{form.__module__}.{form.__qualname__}": {
            name: {
                "is": type(field).__name__,
                "required": field.required,
                "label": plain(field.label),
                "help": plain(field.help_text),
                "widget": type(field.widget).__name__,
                "attributes": plain(field.widget.attrs),
                **{
                    key: plain(getattr(field, key))
                    for key in ("max_length", "min_length", "min_value", "max_value", "strip")
                    if hasattr(field, key)
                },
            }
            for name, field in form.base_fields.items()  # type: ignore[attr-defined]
        }
        for form in every(forms.BaseForm)
        if hasattr(form, "base_fields")
    }


def of_commands(command: click.Command = main, name: str = "mppcqa") -> dict[str, Any]:
    """Each command's options and arguments."""
    found = {name: [plain(one.to_info_dict()) for one in command.params]}
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for each in command.list_commands(context):
                below = command.get_command(context, each)
                assert below is not None
                found |= of_commands(below, f"{name} {each}")
    return found


def of_addresses(resolver: URLResolver | None = None, before: str = "") -> dict[str, str]:
    """Name of each page -> its address."""
    found: dict[str, str] = {}
    for one in (resolver or get_resolver()).url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLPattern):
            found[here] = str(one.name)
        else:
            found |= of_addresses(one, here)
    return dict(sorted(found.items()))


DECLARED: dict[str, Callable[[], Any]] = {
    "forms": of_forms,
    "commands": of_commands,
    "rights": lambda: {key: plain(role) for key, role in ROLES.items()},
    "stages": lambda: {one.key: plain(one) for one in all_stages() if one.key in OURS},
    "addresses": of_addresses,
}


@pytest.mark.parametrize("what", DECLARED)
def test_what_is_declared_is_as_it_was(what: str) -> None:
    with override("en"):
        found = json.loads(json.dumps(DECLARED[what]()))
    assert len(found) > 3
    KEPT.hold_all(what, found)


@pytest.mark.django_db
def test_tables_are_what_the_migrations_make() -> None:
    assert every(Model)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
