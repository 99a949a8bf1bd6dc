"""``mppcqa new-stage``: a package with a stage of one's own, and a test that passes."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from mppcqa.cli.tables import echo
from mppcqa.disk import whole_folder

PLACES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "stage.py": "src/{package}/__init__.py",
    "analysis.py": "src/{package}/analysis.py",
    "program.py": "src/{package}/program.py",
    "test_stage.py": "tests/test_{module}.py",
}
"""Template -> where it goes."""
NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
MOST_NAME = 40


@click.command("new-stage")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where the package's folder is made; here by default.",
)
@click.option("--title", help="What people read; made of NAME by default.")
def new_stage(name: str, folder: Path, title: str | None) -> None:
    """Make a package with the stage NAME, such as led-scan, that measures and passes its test."""
    if not NAME.fullmatch(name) or len(name) > MOST_NAME:
        raise click.UsageError(
            f"{name!r} can't name a stage: small letters, digits, - and _, at most {MOST_NAME}, "
            "such as led-scan"
        )
    from mppcqa.stages import all_stages

    if name in {stage.key for stage in all_stages()}:
        raise click.UsageError(f"there is a stage called {name} already; choose another name")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise click.UsageError(f"{name} is a word of Python; choose another name")
    package, target = f"mppcqa_stage_{module}", folder / f"mppcqa-stage-{name.replace('_', '-')}"
    if target.exists():
        raise click.UsageError(f"{target} exists; nothing was written")
    words = {
        "key": name,
        "module": module,
        "package": package,
        "distribution": target.name,
        "title": _quoted(title or name.replace("-", " ").replace("_", " ").capitalize()),
    }
    with whole_folder(target) as part:
        for template, place in PLACES.items():
            path = part / place.format(**words)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (files("mppcqa.cli") / "stage_template" / f"{template}.txt").read_text("utf-8")
            path.write_text(Template(text).substitute(words), encoding="utf-8")
    echo(f"{target} is made. Now:\n", lines=True)
    echo(
        f"  pip install --editable {target}\n  pip install pytest\n  pytest {target}\n", lines=True
    )
    echo("From then on it is among the stages: mppcqa plugins")


def _quoted(title: str) -> str:
    """A title as it may stand within quotes of Python and TOML."""
    text = " ".join(title.split())
    if not text or len(text) > 100 or not text.isprintable() or set(text) & set('"\\'):
        raise click.UsageError("a title has 1 to 100 signs, none of them a quote or a backslash")
    return text
