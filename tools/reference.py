"""Pages of the documentation that are made from the code, so that they can't go stale.

`PAGES` maps the address of a page to the function that writes it; ``tools/docs_hooks.py`` asks them
while the site is built. `undocumented` names what has no words of its own: a test holds it empty.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reference_stage import client_page, stage_parts_page

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mppcqa"
SETTING = re.compile(r"""["'](MPPCQA_[A-Z_]+)["']""")
OURS = {
    "MPPCQA_KEEPER": "set by the keeper of workers for its own child",
    "MPPCQA_WORKER_PID": "set by a worker for its own children",
    "MPPCQA_SERVED": "set by `mppcqa run` for the web server that it starts",
}
"""Variables that processes of ours hand to each other; nobody sets them."""
LEAST_WORDS = 8
"""Letters of a description."""


def set_up() -> None:
    """Load the apps, with a home that goes when the process does; no database is asked."""
    if not os.environ.get("MPPCQA_HOME"):
        folder = tempfile.TemporaryDirectory(prefix="mppcqa-docs-")
        set_up.folder = folder  # type: ignore[attr-defined]
        os.environ["MPPCQA_HOME"] = folder.name
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mppcqa.project.settings")
    if (source := str(ROOT / "src")) not in sys.path:
        sys.path.insert(0, source)
    from django.apps import apps

    if not apps.ready:
        import django

        django.setup()


def cell(text: Any) -> str:
    """A text as a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(heads: tuple[str, ...], rows: Iterator[tuple[Any, ...]] | list[tuple[Any, ...]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    lines += [f"| {' | '.join(cell(one) for one in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def settings_in_code() -> set[str]:
    """Environment variables that the code reads."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines():
            if any(word in line for word in ("environ", "env.", "getenv", "envvar")):
                found.update(SETTING.findall(line))
    return found - set(OURS)


def settings_told() -> dict[str, str]:
    """Variable -> what it does, as the settings' own text says."""
    from mppcqa.project import settings

    found: dict[str, str] = {}
    name = ""
    body = (settings.__doc__ or "").split("=\n", 1)[1]
    for line in body.splitlines():
        if mark := re.match(r"``(MPPCQA_[A-Z_]+)``\s*(.*)", line):
            name = mark[1]
            found[name] = mark[2]
        elif name and line.startswith(" "):
            found[name] = f"{found[name]} {line.strip()}".strip()
    return {key: text.replace("``", "`") for key, text in found.items()}


def settings_page() -> str:
    rows = [(f"`{key}`", text) for key, text in sorted(settings_told().items())]
    return (
        "# Settings\n\nEnvironment variables of every process: web server, workers, scheduler, "
        "commands. A service reads them from its unit or an `EnvironmentFile`; all processes of an "
        "installation get the same.\n\n" + table(("variable", "what it says"), rows)
    )


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its path: ``mppcqa token make``."""
    import click

    from mppcqa.cli import main

    def below(name: str, command: Any, context: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        if isinstance(command, click.Group):
            for each in command.list_commands(context):
                if found := command.get_command(context, each):
                    yield from below(f"{name} {each}", found, context)

    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        yield from below(f"mppcqa {name}", command, context)


def commands_page() -> str:
    import click

    parts = [
        "# Commands\n\n`mppcqa --commands` lists them, `mppcqa COMMAND --help` says this. Exit "
        "status: 0 where all went well, 1 where something was refused, failed or found, 2 for a "
        "command line that can't be understood.\n"
    ]
    for name, command in commands():
        context = click.Context(command, info_name=name, terminal_width=96, max_content_width=96)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def stages_page() -> str:
    from mppcqa.stages.axes import SHARED_AXES, SUMMED_AXES
    from mppcqa.stages.registry import own_stages

    axes = [(f"`{a.key}`", a.title, a.unit or "1") for a in (*SHARED_AXES, *SUMMED_AXES)]
    parts = [
        "# Stages, parameters, quantities\n\nThe stages of mppcqa itself; packages bring more. "
        "What each value is and where it is withheld: [What each value is](../physics.md). Which "
        "points and curves an IV run needs: [the run file]"
        "(../run-file.md#a-whole-program-an-iv-curve).\n",
        "## Axes that stages share\n\n" + table(("key", "title", "unit"), axes),
    ]
    for stage in own_stages():
        parts.append(f"## {stage.title} (`{stage.key}`)\n\n{stage.description}\n")
        for title, parameters in (
            ("Parameters of a run", stage.parameters),
            ("Settings of its analysis", stage.settings),
        ):
            if parameters:
                rows = [
                    (f"`{p.key}`", p.title, p.unit, p.kind, f"`{p.default}`", _range(p), p.help)
                    for p in parameters
                ]
                heads = ("key", "title", "unit", "kind", "default", "range", "meaning")
                parts.append(f"### {title} {{#{stage.key}-{title.split()[0].lower()}}}\n")
                parts.append(table(heads, rows))
        if stage.quantities:
            rows = [
                (
                    *(f"`{q.key}`", f"{q.title}. {q.says}" if q.says else q.title),
                    *(f"{q.symbol} [{q.unit or '1'}]", q.scope, _bounds(q.bounds)),
                )
                for q in stage.quantities
            ]
            parts.append(f"### Quantities {{#{stage.key}-quantities}}\n")
            parts.append(table(("key", "title", "symbol [unit]", "of a", "possible"), rows))
    return "\n".join(parts)


def _range(one: Any) -> str:
    return ", ".join(one.choices) if one.choices else _bounds((one.minimum, one.maximum))


def _bounds(bounds: tuple[float | None, float | None]) -> str:
    low, high = bounds
    return "" if low is None and high is None else f"{_end(low)} … {_end(high)}"


def _end(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def permissions() -> list[tuple[str, str, list[str]]]:
    """Each right that a role has: its name, what it allows, and whose it is."""
    from django.apps import apps

    from mppcqa.people.roles import ROLES

    found = []
    for name in sorted(set().union(*(role.rights for role in ROLES.values()))):
        app, _dot, action_model = name.partition(".")
        action, _under, model = action_model.partition("_")
        try:
            words = f"{action} {apps.get_model(app, model)._meta.verbose_name}"
        except LookupError:
            words = ""
        having = (one for one in ROLES.values() if one.everything or name in one.rights)
        found.append((name, words, [str(one.title) for one in having]))
    return found


def permissions_page() -> str:
    from mppcqa.people.roles import ROLES

    roles = [(str(role.title), role.told) for role in ROLES.values()]
    rows = [(f"`{name}`", words, ", ".join(whose)) for name, words, whose in permissions()]
    return (
        "# Roles and rights\n\n"
        + table(("role", "what it is for"), roles)
        + "\nAn administrator has every right, those of plug-ins too. How people come in: "
        "[people and roles](../people.md).\n\n" + table(("right", "allows to", "whose"), rows)
    )


def metrics() -> dict[str, str]:
    """Gauge -> what it tells, as the code of the gauges says."""
    import ast

    tree = ast.parse((SOURCE / "web" / "watching" / "gauges.py").read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) >= 2:
            texts = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
            if len(texts) == 2 and str(texts[0]).startswith("mppcqa_"):
                found[str(texts[0])] = str(texts[1])
    return found


def metrics_page() -> str:
    rows = [(f"`{name}`", text) for name, text in sorted(metrics().items())]
    return (
        "# Gauges\n\n`/metrics`, in the format of Prometheus; who may read it and what to be woken "
        "by: [health, gauges, alarms](../operations.md).\n\n" + table(("gauge", "tells"), rows)
    )


def formats_page() -> str:
    from mppcqa.exchange.writers import writers
    from mppcqa.tables.formats import OWN

    readers = [(f"`{one.key}`", one.title, one.kind, one.description) for one in OWN]
    out = [(f"`{one.key}`", one.title, f".{one.suffix}") for one in writers().values()]
    return (
        "# Formats\n\nReaders of others' files, in the order in which a file is held against them "
        "(what is tested on which real file: [other laboratories' files](../formats.md)):\n\n"
        + table(("key", "format", "holds", "remarks"), readers)
        + "\nExports:\n\n"
        + table(("key", "format", "ending"), out)
    )


def plugins_page() -> str:
    from mppcqa.plugins import HOOKS

    rows = [(f"`{one.group}`", one.what, f"`{one.names}`") for one in HOOKS.values()]
    parts = [
        "# What a package may add\n\nBy an entry point of a group, in the package's "
        "`pyproject.toml`:\n\n```toml\n"
        '[project.entry-points."mppcqa.stages"]\nled_scan = "mppcqa_stage_led_scan:STAGE"\n```\n\n'
        "`mppcqa plugins` lists what is there and checks it. What can't be loaded, is of another "
        "kind or has a key that is taken is named in the log, by that command and on *About*, and "
        "switched off; the rest goes on. What fails when it is used is told in its place. A folder "
        "`locale` of the package's has its Spanish.\n",
        table(("group", "adds a", "an entry point names a"), rows),
    ]
    parts += [
        f"## {hook.what} {{#{hook.group.partition('.')[2]}}}\n\n{_class_told(hook)}\n"
        for hook in HOOKS.values()
    ]
    return "\n".join(parts)


def _class_told(hook: Any) -> str:
    import inspect
    from importlib import import_module

    module, _dot, name = hook.names.rpartition(".")
    named = getattr(import_module(module), name)
    return f"`{hook.names}`:\n\n```python\n{inspect.getsource(named).strip()}\n```"


def api_page() -> str:
    import json

    text = (ROOT / "tests" / "api" / "openapi.json").read_text(encoding="utf-8")
    rows = []
    for path, methods in json.loads(text)["paths"].items():
        for method, told in methods.items():
            if isinstance(told, dict) and "responses" in told:
                rows.append((f"`{method.upper()} {path}`", told.get("summary", "")))
    return (
        "# Operations of the API\n\nThe whole of it, with bodies and examples, is the OpenAPI 3.1 "
        "document at `/api/v1/openapi.json` of your server. How it is used: "
        "[the REST API](../api/persons.md).\n\n" + table(("operation", "does"), rows)
    )


PAGES: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/commands.md": commands_page,
    "reference/stages.md": stages_page,
    "reference/permissions.md": permissions_page,
    "reference/metrics.md": metrics_page,
    "reference/formats.md": formats_page,
    "reference/plugins.md": plugins_page,
    "reference/stage-parts.md": stage_parts_page,
    "reference/api.md": api_page,
    "reference/client.md": client_page,
}


def undocumented() -> Iterator[str]:
    """What has no words: settings, commands, quantities, rights, gauges, hooks, formats."""
    import click

    from mppcqa.exchange.writers import writers
    from mppcqa.plugins import HOOKS
    from mppcqa.stages.registry import own_stages
    from mppcqa.tables.formats import OWN

    told = settings_told()
    for name in sorted(settings_in_code() | set(told)):
        if name not in settings_in_code():
            yield f"setting {name} is told, and nothing reads it"
        elif len(told.get(name, "")) < LEAST_WORDS:
            yield f"setting {name}: add it to the text of project/settings.py"
    for name, command in commands():
        if len((command.help or "").strip()) < LEAST_WORDS:
            yield f"command {name} has no help"
        for one in command.params:
            if isinstance(one, click.Option) and not (one.help or one.hidden):
                yield f"option {one.name} of {name} has no help"
    for stage in own_stages():
        for quantity in stage.quantities:
            if not quantity.title or not quantity.symbol:
                yield f"quantity {quantity.key} of {stage.key} has no title or symbol"
    for name, words, _whose in permissions():
        if not words:
            yield f"right {name} has no words"
    for name, words in metrics().items():
        if len(words) < LEAST_WORDS:
            yield f"gauge {name} has no words"
    for one in (*OWN, *writers().values()):
        if not one.title:
            yield f"format {one.key} has no title"
    for hook in HOOKS.values():
        if "class" not in _class_told(hook) or '"""' not in _class_told(hook):
            yield f"hook {hook.group}: what an entry point names has no words"
