"""Options of commands that write documents: language, paper, folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

OPTIONS = (
    click.option(
        "--output",
        default=".",
        show_default=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder to write to; made if need be.",
    ),
    click.option(
        "--language",
        type=click.Choice(["en", "es"]),
        default="en",
        show_default=True,
        help="Of what is written.",
    ),
    click.option(
        "--paper",
        type=click.Choice(["A4", "letter"]),
        default="A4",
        show_default=True,
        help="Of what is written.",
    ),
)


def writes_documents(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with `output`, `language` and `paper`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
