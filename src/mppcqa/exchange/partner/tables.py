"""Tables of a MySQL database as they stand: from a dump, from CSV files, or from the server.

Each cell is kept as the dump writes it (``'12.30'``, ``12.30``, ``NULL``), so that what goes out
again is what came in. Columns are named by the source; none has to be known.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from mppcqa.disk import whole_file
from mppcqa.refused import Refused

ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "b": "\b"}
BACK = {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", "\\": "\\\\", "'": "\\'"}
CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?[`\"]?(\w+)[`\"]?\s*\(", re.I)
INSERT = re.compile(r"INSERT (?:IGNORE )?INTO [`\"]?(\w+)[`\"]?\s*(\([^)]*\))?\s*VALUES\s*", re.I)
END = re.compile(r";[ \t]*$", re.M)
COLUMN = re.compile(r"^\s*[`\"](\w+)[`\"]\s+\w", re.M)
TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.|'')*'|[^,()'\s][^,()']*)\s*([,)])", re.S)


class PartnerFault(Refused):
    """A dump that can't be read; the message names the place."""


@dataclass
class Table:
    """One table: `rows` hold cells as a dump writes them."""

    name: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    definition: str = ""
    """``CREATE TABLE …`` as it was, where the source has it."""

    def place(self, column: str) -> int | None:
        return self.columns.index(column) if column in self.columns else None


def text_of(cell: str) -> str | None:
    """What a cell says; None for NULL.

    >>> text_of("'GX\\\\'1'"), text_of("12.30"), text_of("NULL")
    ("GX'1", '12.30', None)
    """
    if cell.upper() == "NULL":
        return None
    if not cell.startswith("'"):
        return cell
    inner = cell[1:-1].replace("''", "'")
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inner, flags=re.S)


def cell_of(text: str | None, like: str = "''") -> str:
    """A cell that says a text, in quotes where `like` has them or it is no number."""
    if text is None:
        return "NULL"
    if not like.startswith("'") and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text):
        return text
    return "'" + "".join(BACK.get(mark, mark) for mark in text) + "'"


def read_tables(source: str) -> list[Table]:
    """Tables of a dump (.sql), of a CSV file or a folder of them, or of ``mysql://…``."""
    if source.startswith("mysql:"):
        return _from_server(source)
    path = Path(source)
    if path.is_dir():
        found = [_from_csv(one) for one in sorted(path.glob("*.csv"))]
    elif path.suffix.lower() == ".csv":
        found = [_from_csv(path)]
    else:
        found = _from_dump(path)
    if not found:
        raise PartnerFault(_("%s holds no table") % path.name)
    return found


def _from_csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    if not rows:
        raise PartnerFault(_("%s: the file is empty") % path.name)
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            raise PartnerFault(
                _("%(name)s: line %(line)d has %(a)d cells, the heading %(b)d")
                % {"name": path.name, "line": number, "a": len(row), "b": len(rows[0])}
            )
    cells = [["NULL" if c == "\\N" else cell_of(c) for c in row] for row in rows[1:]]
    return Table(path.stem, rows[0], cells)


def _from_dump(path: Path) -> list[Table]:
    text = path.read_text(encoding="utf-8")
    tables: dict[str, Table] = {}
    for found in CREATE.finditer(text):
        end = END.search(text, found.end())
        definition = text[found.start() : end.start() if end else len(text)]
        tables[found[1]] = Table(found[1], COLUMN.findall(definition), definition=definition)
    for found in INSERT.finditer(text):
        named = re.findall(r"\w+", found[2] or "")
        table = tables.setdefault(found[1], Table(found[1], named))
        columns = named or table.columns
        if not columns or not set(columns) <= set(table.columns):
            raise PartnerFault(
                _("%(name)s: the columns of the table %(table)s are not known")
                % {"name": path.name, "table": found[1]}
            )
        for row in _values(path, text, found.end(), len(columns)):
            given = dict(zip(columns, row, strict=True))
            table.rows.append([given.get(column, "NULL") for column in table.columns])
    return list(tables.values())


def _values(path: Path, text: str, at: int, width: int) -> list[list[str]]:
    """Rows ``(…),(…);`` from a place in a dump."""
    rows = []
    while at < len(text) and text[at] == "(":
        row, at, mark = [], at + 1, ","
        while mark == ",":
            found = TOKEN.match(text, at)
            if found is None:
                break
            row.append(found[1].strip())
            at, mark = found.end(), found[2]
        if mark != ")" or len(row) != width:
            line = text.count("\n", 0, at) + 1
            raise PartnerFault(
                _("%(name)s: line %(line)d: a row of %(n)d cells was expected; is the dump whole?")
                % {"name": path.name, "line": line, "n": width}
            )
        rows.append(row)
        at += len(text[at:]) - len(text[at:].lstrip()) if text[at : at + 1].isspace() else 0
        if text[at : at + 1] != ",":
            break
        at += 1
        while text[at : at + 1].isspace():
            at += 1
    return rows


def _from_server(source: str) -> list[Table]:
    """All tables of a MySQL database, read in one moment."""
    import pymysql
    from pymysql import converters

    url = urlsplit(source)
    tables = []
    try:
        with (
            pymysql.connect(
                host=url.hostname,
                port=url.port or 3306,
                user=unquote(url.username or ""),
                password=unquote(url.password or ""),
                database=url.path.strip("/"),
                conv=dict(
                    converters.encoders
                ),  # none decodes: cells come as the server writes them
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            cursor.execute("SHOW TABLES")
            for (name,) in list(cursor.fetchall()):
                name = name.decode() if isinstance(name, bytes) else name
                cursor.execute(f"SHOW CREATE TABLE `{name}`")
                row = cursor.fetchone()
                definition = row[1].decode() if isinstance(row[1], bytes) else row[1]
                cursor.execute(f"SELECT * FROM `{name}`")  # noqa: S608  (its own names)
                columns = [one[0] for one in cursor.description or ()]
                rows = [
                    [cell_of(c.decode() if isinstance(c, bytes) else c, "0") for c in one]
                    for one in cursor.fetchall()
                ]
                tables.append(Table(name, columns, rows, definition))
    except pymysql.MySQLError as error:
        raise PartnerFault(_("the database can't be read: %s") % str(error)[:200]) from None
    return tables


def write_tables(tables: list[Table], target: Path) -> None:
    """A dump (.sql), or a folder with a CSV file a table."""
    if target.suffix.lower() == ".sql":
        with whole_file(target) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            for table in tables:
                if table.definition:
                    file.write(table.definition + ";\n")
                heads = ",".join(f"`{column}`" for column in table.columns)
                for row in table.rows:
                    into = f"INSERT INTO `{table.name}` ({heads}) VALUES "  # noqa: S608
                    file.write(f"{into}({','.join(row)});\n")
        return
    target.mkdir(parents=True, exist_ok=True)
    for table in tables:
        place = target / f"{table.name}.csv"
        with whole_file(place) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.columns)
            for row in table.rows:
                writer.writerow(["\\N" if (t := text_of(c)) is None else t for c in row])
