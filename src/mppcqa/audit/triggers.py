"""The triggers that write the audit: made from the models after each migration.

A trigger runs within the statement that changes a row, whoever sends it: the ORM, a bulk statement,
or a person with the database's own client. Three stand on each covered table, and the audit's own
tables have some that refuse: what is sealed is neither changed nor removed, what waits is removed
only once it is sealed.

Values are entered as text, so that both databases write the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from django.db import OperationalError, connection, models

from mppcqa.audit.covered import covered_models, heeded, is_hidden
from mppcqa.audit.models import Action, Entry, Waiting, Writer
from mppcqa.audit.source import current

NAME = "mppcqa_audit_"
HIDDEN = "***"
SEALED = "what the audit has sealed is never changed or removed"
UNSEALED = "what waits for the seal of the audit is neither changed nor removed"
NO_RIGHT = 1419
"""MariaDB: triggers are for accounts with SUPER where changes are written to a binary log."""


def make_triggers() -> int:
    """Make the triggers that are missing or not as the models want them; returns how many."""
    if not _is_there():
        return 0
    wanted, there = wanted_triggers(), triggers_there()
    changed = [name for name, sql in wanted.items() if there.get(name) != fingerprint(sql)]
    if changed:
        _refuse_within_transaction()
    with connection.cursor() as cursor:
        for name in sorted(there.keys() - wanted.keys()) + [one for one in changed if one in there]:
            cursor.execute(f"DROP TRIGGER IF EXISTS {_q(name)}")
        for name in changed:
            try:
                cursor.execute(wanted[name])
            except OperationalError as error:
                if error.args and error.args[0] == NO_RIGHT:
                    raise OperationalError(
                        NO_RIGHT,
                        "The database does not let this account make triggers, by which it enters "
                        "who changed what: set log_bin_trust_function_creators=1 on the server, "
                        "and migrate again.",
                    ) from error
                raise
    return len(changed)


def drop_triggers() -> None:
    """Drop all of them, before tables change."""
    _refuse_within_transaction()
    with connection.cursor() as cursor:
        for name in triggers_there():
            cursor.execute(f"DROP TRIGGER IF EXISTS {_q(name)}")


def _refuse_within_transaction() -> None:
    if connection.vendor == "mysql" and connection.in_atomic_block:
        raise RuntimeError(
            "MariaDB commits a transaction within which triggers change: end it first"
        )


def faults_of_triggers() -> list[str]:
    """What is not as the models want it, a line each: somebody may have taken a trigger away."""
    wanted, there = wanted_triggers(), triggers_there()
    return [
        f"the trigger {name} is {'not as it was made' if name in there else 'missing'}"
        for name, sql in wanted.items()
        if there.get(name) != fingerprint(sql)
    ]


def is_new() -> bool:
    """Whether nothing was ever entered."""
    return _is_there() and not Waiting.objects.exists() and not Entry.objects.exists()


def note(what: str, about: dict[str, Any]) -> None:
    """Enter something that was done to the database as a whole."""
    if _is_there():
        Waiting.objects.create(
            at=dt.datetime.now(dt.UTC),
            source=current().text(),
            table="",
            row=what,
            action=Action.NOTE,
            after=json.dumps(about, ensure_ascii=False),
        )


def triggers_there() -> dict[str, str]:
    """Our triggers that the database has: name -> fingerprint of what it does."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
                [f"{NAME}%"],
            )
            return {name: fingerprint(sql) for name, sql in cursor.fetchall()}
        cursor.execute(
            "SELECT trigger_name, action_statement FROM information_schema.triggers "
            "WHERE trigger_schema = DATABASE() AND trigger_name LIKE %s",
            [f"{NAME}%"],
        )
        return {name: fingerprint(body) for name, body in cursor.fetchall()}


def fingerprint(sql: str) -> str:
    """Of a trigger's body: what begins with BEGIN, which both databases give back as it was."""
    body = sql[sql.index("BEGIN") :] if "BEGIN" in sql else sql
    return hashlib.sha256(" ".join(body.split()).encode()).hexdigest()


def wanted_triggers() -> dict[str, str]:
    """Name of each trigger -> the statement that makes it."""
    write = _Sqlite() if connection.vendor == "sqlite" else _MariaDB()
    found = {}
    for model in covered_models():
        for action in (Action.INSERT, Action.UPDATE, Action.DELETE):
            name = trigger_name(model._meta.db_table, action)
            found[name] = write.entering(name, model, action)
    guards = (
        (Entry, "UPDATE", "", SEALED),
        (Entry, "DELETE", "", SEALED),
        (Waiting, "UPDATE", "", UNSEALED),
        (Waiting, "DELETE", "NOT EXISTS (SELECT 1 FROM audit_entry WHERE waited = OLD.id)", ""),
    )
    for model, verb, when, text in guards:
        table = model._meta.db_table
        name = f"{NAME}{table}_{verb[0].lower()}"
        found[name] = write.refusing(name, table, verb, when, text or UNSEALED)
    return found


def trigger_name(table: str, action: str) -> str:
    """At most 64 characters, MariaDB's bound."""
    if len(table) > 44:
        table = f"{table[:35]}_{hashlib.sha256(table.encode()).hexdigest()[:8]}"
    return f"{NAME}{table}_{action.lower()}"


def _is_there() -> bool:
    """Whether this database has the audit's tables: one that is being made may not yet."""
    wanted = {model._meta.db_table for model in (Waiting, Entry, Writer)}
    return wanted <= set(connection.introspection.table_names())


def _q(name: str) -> str:
    return connection.ops.quote_name(name)


class _Dialect:
    """What a trigger is on one kind of database."""

    verbs = {Action.INSERT: "INSERT", Action.UPDATE: "UPDATE", Action.DELETE: "DELETE"}

    def entering(self, name: str, model: type[models.Model], action: Action) -> str:
        """The trigger that enters an action on a row of a model."""
        raise NotImplementedError

    def refusing(self, name: str, table: str, verb: str, when: str, text: str) -> str:
        """The trigger by which a table refuses a kind of statement."""
        raise NotImplementedError

    def columns(self, model: type[models.Model]) -> Iterator[tuple[Any, bool]]:
        """Each field that is heeded, and whether its value is hidden."""
        for field in heeded(model):
            yield field, is_hidden(model, field.column)

    def _row(self, model: type[models.Model], action: Action) -> str:
        side = "OLD" if action == Action.DELETE else "NEW"
        return f"{side}.{_q(str(model._meta.pk.column))}"

    def _json(self, model: type[models.Model], side: str) -> str:
        """The whole row."""
        pairs = ", ".join(
            f"'{field.column}', {self.shown(field, side, hidden)}"
            for field, hidden in self.columns(model)
        )
        return f"json_object({pairs})"

    def _changed(self, model: type[models.Model], side: str) -> str:
        """Of a change, the columns alone that are not as they were."""
        raise NotImplementedError

    def shown(self, field: Any, side: str, hidden: bool) -> str:
        """A value as text."""
        raise NotImplementedError

    def sides(self, model: type[models.Model], action: Action) -> tuple[str, str]:
        """What the columns `before` and `after` are made from."""
        if action == Action.UPDATE:
            return self._changed(model, "OLD"), self._changed(model, "NEW")
        before = self._json(model, "OLD") if action == Action.DELETE else "NULL"
        after = self._json(model, "NEW") if action == Action.INSERT else "NULL"
        return before, after


INTO = "INSERT INTO audit_waiting (at, source, {table}, {row}, action, {before}, {after})"


def _into() -> str:
    return INTO.format(**{name: _q(name) for name in ("table", "row", "before", "after")})


class _Sqlite(_Dialect):
    source = (
        "(SELECT text FROM audit_writer WHERE id = "
        "(SELECT analysis_limit FROM pragma_analysis_limit))"
    )

    def shown(self, field: Any, side: str, hidden: bool) -> str:
        value = f"{side}.{_q(field.column)}"
        if hidden:
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE '{HIDDEN}' END"
        if isinstance(field, models.BinaryField):
            return f"CASE WHEN {value} IS NULL THEN NULL ELSE hex({value}) END"
        return f"CAST({value} AS TEXT)"

    def _changed(self, model: type[models.Model], side: str) -> str:
        parts = " || ".join(
            f"CASE WHEN OLD.{_q(f.column)} IS NOT NEW.{_q(f.column)} "
            f"THEN ',\"{f.column}\":' || json_quote({self.shown(f, side, hidden)}) ELSE '' END"
            for f, hidden in self.columns(model)
        )
        return f"'{{' || substr({parts}, 2) || '}}'"

    def entering(self, name: str, model: type[models.Model], action: Action) -> str:
        table = model._meta.db_table
        when = ""
        if action == Action.UPDATE:
            differ = " OR ".join(
                f"OLD.{_q(f.column)} IS NOT NEW.{_q(f.column)}" for f, _h in self.columns(model)
            )
            when = f" WHEN {differ}"
        before, after = self.sides(model, action)
        return (
            f"CREATE TRIGGER {_q(name)} AFTER {self.verbs[action]} ON {_q(table)}{when} BEGIN "
            f"{_into()} VALUES (strftime('%Y-%m-%d %H:%M:%f', 'now'), {self.source}, '{table}', "
            f"CAST({self._row(model, action)} AS TEXT), '{action.value}', {before}, {after}); END"
        )

    def refusing(self, name: str, table: str, verb: str, when: str, text: str) -> str:
        when = f" WHEN {when}" if when else ""
        return (
            f"CREATE TRIGGER {_q(name)} BEFORE {verb} ON {_q(table)}{when} "
            f"BEGIN SELECT RAISE(ABORT, '{text}'); END"
        )


class _MariaDB(_Dialect):
    def shown(self, field: Any, side: str, hidden: bool) -> str:
        value = f"{side}.{_q(field.column)}"
        if hidden:
            return f"IF({value} IS NULL, NULL, '{HIDDEN}')"
        if isinstance(field, models.BinaryField):
            return f"HEX({value})"
        return f"CAST({value} AS CHAR CHARACTER SET utf8mb4)"

    def same(self, field: Any) -> str:
        """Whether a column is as it was, to the letter: its collation may take a for A."""
        old, new = f"OLD.{_q(field.column)}", f"NEW.{_q(field.column)}"
        if isinstance(field, models.CharField | models.TextField | models.JSONField):
            return f"BINARY {old} <=> BINARY {new}"
        return f"{old} <=> {new}"

    def _changed(self, model: type[models.Model], side: str) -> str:
        parts = ", ".join(
            f"IF({self.same(f)}, '', CONCAT(',\"{f.column}\":', "
            f"IFNULL(JSON_QUOTE({self.shown(f, side, hidden)}), 'null')))"
            for f, hidden in self.columns(model)
        )
        return f"CONCAT('{{', SUBSTRING(CONCAT({parts}, ''), 2), '}}')"

    def entering(self, name: str, model: type[models.Model], action: Action) -> str:
        table = model._meta.db_table
        before, after = self.sides(model, action)
        insert = (
            f"{_into()} VALUES (UTC_TIMESTAMP(6), @mppcqa_source, '{table}', "
            f"CAST({self._row(model, action)} AS CHAR), '{action.value}', {before}, {after});"
        )
        if action == Action.UPDATE:
            same = " AND ".join(self.same(field) for field, _hidden in self.columns(model))
            insert = f"IF NOT ({same}) THEN {insert} END IF;"
        return (
            f"CREATE TRIGGER {_q(name)} AFTER {self.verbs[action]} ON {_q(table)} "
            f"FOR EACH ROW BEGIN {insert} END"
        )

    def refusing(self, name: str, table: str, verb: str, when: str, text: str) -> str:
        signal = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{text}';"
        if when:
            signal = f"IF {when} THEN {signal} END IF;"
        return (
            f"CREATE TRIGGER {_q(name)} BEFORE {verb} ON {_q(table)} "
            f"FOR EACH ROW BEGIN {signal} END"
        )
