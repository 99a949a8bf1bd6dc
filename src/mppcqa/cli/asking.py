"""What commands that work on this home or on a server share: where, for whom, how it is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mppcqa.cli.answers import Problem, json_option, json_text
from mppcqa.cli.tables import add_row, clean_line, echo, show

if TYPE_CHECKING:
    from mppcqa.client import Client

TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(Z|\+00:00)")
TOKEN = re.compile(r"[!-~]*")
OPTIONS = (
    json_option(),
    click.option("--as", "name", default="", envvar="MPPCQA_AS", help="For whom, on this home."),
    click.option(
        "--server",
        default="",
        envvar="MPPCQA_SERVER",
        help="Address of a server; this home without.",
    ),
    click.option(
        "--token",
        "token_file",
        envvar="MPPCQA_TOKEN",
        type=click.Path(path_type=Path),
        help="File with your token of that server.",
    ),
)


class Asked:
    """Where a command asks, and how it tells what it was answered."""

    def __init__(self, client: Client, as_json: bool) -> None:
        self.client, self.as_json = client, as_json
        self.counts = "", 0
        """What a fault's number is of, and what people add to it: they count from 1."""

    def tell(self, answer: Any, text: str) -> None:
        """The answer as JSON, or in words."""
        echo(json_text(answer) if self.as_json else text, lines=True)

    def tell_rows(self, rows: Iterable[Mapping[str, Any]], fields: Iterable[str] = ()) -> None:
        """Objects of a list: an array, or a table of all that any of them says, and of `fields`."""
        found = list(rows)
        if self.as_json:
            self.tell(found, "")
            return
        if not found:
            echo("none", err=True)
            return
        from rich.table import Table
        from rich.text import Text

        cells = [{name: cell(value) for name, value in row.items()} for row in found]
        table = Table()
        said = (name for row in cells for name, text in row.items() if text)
        names = dict.fromkeys((*fields, *said))
        for name in names:
            table.add_column(Text(clean_line(name)), overflow="fold")  # nothing is cut off
        for row in cells:
            add_row(table, *(Text(row.get(name, "")) for name in names))
        show(table)


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given `Asked` first; what is refused is told and ends it with status 1."""

    @wraps(command)
    def asking(
        *arguments: Any,
        as_json: bool,
        name: str,
        server: str,
        token_file: Path | None,
        **named: Any,
    ) -> None:
        from mppcqa.client import Away, Refused

        refuse_mixed(server, token_file, name)
        try:
            asked = Asked(_client(server, token_file, name), as_json)
            try:
                command(asked, *arguments, **named)
            except Refused as refused:
                raise Problem(_told(refused, *asked.counts), refused.problem) from None
        except (Away, OSError) as error:
            title = "Not reached" if isinstance(error, Away) else "Not read or written"
            raise Problem(str(error), {"title": title}) from None

    for option in reversed(OPTIONS):
        asking = option(asking)
    return asking


def at_a_server(command: Callable[..., None]) -> Callable[..., None]:
    """The same options without whom it is for: of commands that do here what no API does."""
    found: Callable[..., None] = OPTIONS[0](of_a_server(command))
    return found


def of_a_server(command: Callable[..., None]) -> Callable[..., None]:
    """Only which server: of commands that tell text as it is."""
    for option in reversed(OPTIONS[2:]):
        command = option(command)
    return command


def is_elsewhere(server: str, token_file: Path | None) -> bool:
    """Whether a command is for a server; `click.UsageError` where one is half named."""
    refuse_mixed(server, token_file, "")
    return bool(server)


def pairs(_context: click.Context, _option: Any, given: Iterable[str]) -> dict[str, str]:
    """``NAME=VALUE`` words as a dictionary."""
    found = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{one!r} is not NAME=VALUE")
        if key in found:
            raise click.BadParameter(f"{key} is given twice")
        found[key] = value
    return found


def together(said: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    """What options say with what words NAME=VALUE add; `click.UsageError` for what both say."""
    given = {key: one for key, one in said.items() if one}
    if twice := [key for key in more if key in given]:
        raise click.UsageError(f"{twice[0]} is given twice: leave one of both out")
    return {**given, **more}


def cell(value: Any) -> str:
    """A value of an answer as a cell, with nothing in it that a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        said = {key: text for key, one in value.items() if one is not False and (text := cell(one))}
        return ", ".join(f"{clean_line(key)} {text}" for key, text in said.items())
    if isinstance(value, list):
        return ("; " if any(isinstance(one, dict) for one in value) else ", ").join(
            map(cell, value)
        )
    return clean_line(TIME.sub(r"\1 \2", value)) if isinstance(value, str) else f"{value}"


def refuse_mixed(server: str, token_file: Path | None, name: str) -> None:
    """`click.UsageError` where a server is half named: nothing is done at another place then."""
    source = click.get_current_context().get_parameter_source
    typed = ParameterSource.COMMANDLINE
    if server:
        if name and source("name") is typed:
            raise click.UsageError(
                "--as is for this home; a server knows you by your token: leave one of both out"
            )
        return
    here = source("server") is typed and source("token_file") is not typed  # --server ""
    if token_file is not None and not here:
        raise click.UsageError(
            "a token (--token, MPPCQA_TOKEN) is of a server: say which, with --server or "
            "MPPCQA_SERVER. For this home leave it out, or say --server ''"
        )


def _client(server: str, token_file: Path | None, name: str) -> Client:
    if not server:
        from mppcqa.cli.at_home import client_at_home

        found: Client = client_at_home(name)
        return found
    from mppcqa.client import Client

    if token_file is None:
        raise click.UsageError("--server needs --token FILE; tokens are made at “Your tokens”")
    try:
        text = token_file.read_text("utf-8").strip()
    except UnicodeDecodeError:
        text = "\n"
    if not TOKEN.fullmatch(text):
        raise click.ClickException(f"--token {token_file}: there is no token in this file")
    try:
        return Client(server, token_file=token_file)
    except ValueError as error:
        raise click.UsageError(f"--server: {error}") from None


def _told(refused: Any, what: str, first: int) -> str:
    """A line for each fault, with the row or slot and the field that it is about."""
    if not refused.faults:
        return str(refused)
    lines = []
    for one in refused.faults:
        row = "" if one.row is None else f"{what} {one.row + first}: ".lstrip()
        field = f"{one.field}: " if one.field else ""
        lines.append(clean_line(f"{row}{field}{one.message}"))
    return "\n".join(lines)
