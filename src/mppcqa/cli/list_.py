"""``mppcqa list``: any list that the API has."""

from __future__ import annotations

from itertools import islice

import click

from mppcqa.cli.asking import Asked, asks, pairs, together


@click.command(name="list")
@click.argument("what", required=False)
@click.argument("filters", nargs=-1, callback=pairs)
@click.option("--fields", default="", help="Only these, with commas between.")
@click.option("--sort", default="", help="A column; -COLUMN for the other way round.")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1), help="Rows at most."
)
@click.option("--all", "every", is_flag=True, help="All rows, however many.")
@asks
def list_(
    asked: Asked,
    what: str | None,
    filters: dict[str, str],
    fields: str,
    sort: str,
    limit: int,
    every: bool,
) -> None:
    """List WHAT: devices, runs, verdicts, trays, stations, shipments, tasks, catalogue/lots …

    FILTERS are NAME=VALUE as the list has them: mppcqa list devices lot=L7 state=at_rest. Without
    WHAT say which lists there are.
    """
    from mppcqa.client import Refused

    if what is None:
        names = _lists(asked)
        asked.tell(names, "\n".join(names))
        return
    page = {} if every else {"limit": min(limit, 500)}
    named = {**page, **together({"fields": fields, "sort": sort}, filters)}
    try:
        rows = asked.client.listed(what, **named)
        shown = [one for one in fields.split(",") if one]
        asked.tell_rows(rows if every else islice(rows, limit), shown)
    except Refused:
        if what in (names := _lists(asked)):
            raise
        raise click.UsageError(
            f"there is no list {what!r}; there are: {', '.join(names)}"
        ) from None


def _lists(asked: Asked) -> list[str]:
    """Addresses without a number or a name in them whose answer has items."""
    told = asked.client.get("openapi.json")
    found = []
    for path, methods in told["paths"].items():
        name = path.removeprefix("/api/v1/")
        answer = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = answer.get("application/json", {}).get("schema", {}).get("$ref", "")
        fields = told["components"]["schemas"].get(schema.rpartition("/")[2], {})
        if "items" in fields.get("properties", {}) and "{" not in name:
            found.append(name)
    if any(path.startswith("/api/v1/catalogue/{kind}") for path in told["paths"]):
        found += [f"catalogue/{one['kind']}" for one in asked.client.listed("catalogue")]
    return sorted(found)
