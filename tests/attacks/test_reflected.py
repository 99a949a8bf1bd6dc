"""SQL, scripts, headers, redirects and paths in every field that any page reads."""

from __future__ import annotations

import random
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client

from mppcqa.columnar import snapshot
from tests.thoroughness import tries
from tests.web.formfields import forms_of
from tests.web.test_typed import Sweep, address_of, all_patterns, known_names, told_of

WORD = "c4n4ry"
"""In every payload; where it must not be, it is looked for."""
PAYLOADS = (
    *(f"' OR 1=1 -- {WORD}", f'" OR ""="{WORD}', f"1) UNION ALL {WORD} --"),
    *(
        f"-{WORD}",
        f"{WORD}' ASC",
        f"id; DROP TABLE {WORD}",
        f"\\' {WORD}",
        f"`{WORD}`",
        f"%{WORD}%",
    ),
    *(f"serial__{WORD}", f"device__owner__password__{WORD}", f"1 AND SLEEP(9) /*{WORD}*/"),
    *(f"<script src=//{WORD}></script>", f'"><img src=x onerror={WORD}>', f"javascript:{WORD}"),
    *(f"</script><svg onload={WORD}>", f"'-{WORD}-'", f"</title><svg onload={WORD}>"),
    *(f"x\r\nX-{WORD}: 1\r\n\r\n<svg onload={WORD}>", f"x\nSet-Cookie: {WORD}=1"),
    *(
        f"//{WORD}.example/",
        f"https://{WORD}.example/",
        f"/\\{WORD}.example",
        f"\t//{WORD}.example",
    ),
    *(f"../../../../etc/{WORD}", f"/etc/{WORD}", f"..\\..\\{WORD}", f"file:///{WORD}"),
    *(f"{{{{7*7}}}}{WORD}", f"${{7*7}}{WORD}", f"%(s)s%n{WORD}", f'=HYPERLINK("//{WORD}")'),
)
SEED = 21
RUNS = re.compile(rf"<(?:script src=//|img src=x onerror=|svg onload=){WORD}")
"""Of a payload, as a browser would run it."""
ATTRIBUTE = r"""(?:\s+[\w:-]+(?:=(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*?"""
LEADS = re.compile(
    rf"""<\w+{ATTRIBUTE}\s+(?:href|src|action|formaction|hx-get|hx-post)=["']?\s*"""
    rf"""(?:javascript:{WORD}|(?:https?:)?//{WORD})""",
    re.I,
)


class Attack(Sweep):
    """Sends, and looks at the answer and at what the databases were asked, as attackers do."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.inputs = 0
        self.sql: list[str] = []

    def send(self, method: str, address: str, values: dict[str, Any]) -> None:
        self.inputs += len(values)
        with connection.execute_wrapper(self.watch):
            super().send(method, address, values)
        if self.sql:
            where = f"{method} {urlsplit(address).path}"
            self.faults.setdefault(f"{where}: in the text of SQL", self.sql[0][:400])
            self.sql.clear()

    def watch(self, execute: Any, sql: str, *more: Any) -> Any:
        """What people write goes to the database beside the text, never in it."""
        if WORD in str(sql):
            self.sql.append(str(sql))
        return execute(sql, *more)

    def look(self, answer: Any) -> list[str]:
        found = super().look(answer)
        for name, value in answer.items():
            if WORD in name.lower() or "\n" in value or "\r" in value:
                found.append(f"a header of the attacker's: {name}")
        found += [f"a cookie of the attacker's: {one}" for one in answer.cookies if WORD in one]
        for name in ("Location", "HX-Redirect", "X-Signing"):
            target = answer.headers.get(name, "")
            if urlsplit(target).netloc not in ("", "testserver") or re.match(
                r"\s*(/[/\\]|\w+:)", target
            ):
                found.append(f"leads to {target[:60]}")
        if "html" in answer.headers.get("Content-Type", "") and not answer.streaming:
            text = answer.content.decode()
            if run := RUNS.search(text):
                found.append(f"would run: {text[max(0, run.start() - 60) : run.end()]!r}")
            if led := LEADS.search(text):
                found.append(f"would lead: {led[0][-80:]!r}")
        return found


@pytest.fixture
def attack(browser_client: Client, monkeypatch: pytest.MonkeyPatch) -> Attack:
    made = Attack(browser_client)
    cursor = snapshot.Snapshot.cursor

    class Watched:
        """A question to the columnar copy, whose SQL is looked at."""

        def __init__(self, asked: Any) -> None:
            self.asked = asked

        def execute(self, sql: str, parameters: Any = None) -> Any:
            made.watch(lambda *_a: None, sql)
            return self.asked.execute(sql, parameters)

        def sql(self, sql: str) -> Any:
            made.watch(lambda *_a: None, sql)
            return self.asked.sql(sql)

    monkeypatch.setattr(snapshot.Snapshot, "cursor", lambda self: Watched(cursor(self)))
    return made


@pytest.mark.parametrize("share", range(4))
def test_nothing_that_is_sent_becomes_sql_a_script_a_header_or_a_way_out(
    attack: Attack, world: dict[str, Any], share: int, tried: list[int]
) -> None:
    """Every address with every name that any page reads, all at once and some at a time."""
    chance, names = random.Random(SEED + share), sorted(known_names())  # noqa: S311
    patterns = [one for one in all_patterns() if str(one.name) != "account_logout"]
    for pattern in patterns[share::4]:
        address = address_of(pattern, world)
        for method in ("get", "post"):
            for _turn in range(tries(1, 8)):
                attack.send(method, address, {name: chance.choice(PAYLOADS) for name in names})
            for _turn in range(tries(1, 8)):
                some = chance.sample(names, 8)
                attack.send(method, address, {name: chance.choice(PAYLOADS) for name in some})
    tried.append(attack.inputs)
    assert not attack.faults, told_of(attack)


def test_no_filter_order_or_field_of_a_page_alone_does(
    attack: Attack, world: dict[str, Any], browser_client: Client, tried: list[int]
) -> None:
    """Each field of each form alone, the others as the page has them: it reaches what is behind."""
    chance, seen = random.Random(SEED), set()  # noqa: S311
    pages = world["pages"]
    for page in chance.sample(pages, tries(len(pages) // 4, len(pages))):
        answer = browser_client.get(page)
        if answer.streaming or "html" not in answer.headers["Content-Type"]:
            continue
        for form in forms_of(answer.content.decode(), page):
            for name in form.fields:
                if (form.action, name) in seen or form.action == "/logout/":
                    continue
                seen.add((form.action, name))
                for payload in chance.sample(PAYLOADS, tries(1, 8)):
                    attack.send(form.method, form.action, {**form.fields, name: payload})
        for payload in chance.sample(PAYLOADS, tries(1, 8)):
            attack.send("get", page, dict.fromkeys(("order", "sort", "after", "columns"), payload))
    assert len(seen) > tries(50, 200)
    tried.append(len(seen) * tries(1, 8))
    assert not attack.faults, told_of(attack)
