"""The forms of a page as a browser sees them, for tests that fill in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.test import Client


@dataclass
class PageForm:
    """Where a form goes, how, and what it sends if nobody changes anything."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[PageForm] = []
        self.now: PageForm | None = None
        self.select = self.area = ""
        self.text = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        got = {key: value or "" for key, value in pairs}
        name = got.get("name", "")
        if tag == "form":
            self.now = PageForm(got.get("action") or self.page, got.get("method", "get").lower())
            self.forms.append(self.now)
        elif self.now is None:
            return
        elif tag == "select":
            self.select = name
            self.now.fields.setdefault(name, [])
        elif tag == "option" and self.select:
            if "selected" in got or not self.now.fields[self.select]:
                self.now.fields[self.select] = [got.get("value", "")]
        elif tag == "textarea":
            self.area, self.text = name, ""
        elif name and tag == "input" and got.get("type") == "file":
            self.now.files.append(name)
        elif name and tag in ("input", "button"):
            box = got.get("type") in ("checkbox", "radio")
            self.now.fields.setdefault(name, [])
            if not box or "checked" in got:
                self.now.fields[name].append(got.get("value", "on" if box else ""))

    def handle_data(self, text: str) -> None:
        if self.area:
            self.text += text

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.now = None
        elif tag == "select":
            self.select = ""
        elif tag == "textarea" and self.now is not None:
            self.now.fields.setdefault(self.area, []).append(self.text.removeprefix("\n"))
            self.area = ""


def forms_of(page: str, address: str) -> list[PageForm]:
    """All forms of a page at an address."""
    reader = _Forms(address)
    reader.feed(page)
    for one in reader.forms:
        one.fields.pop("csrfmiddlewaretoken", None)
    return reader.forms


def opened(client: Client, page: str, address: str = "", **like: str) -> dict[str, str]:
    """The mark that a form has while its page is open: what it was opened on."""
    for one in forms_of(client.get(page).content.decode(), page):
        same = all(one.fields.get(name) == [value] for name, value in like.items())
        if one.method == "post" and one.action == (address or page) and same:
            return {"opened": one.fields["opened"][0]}
    raise AssertionError(f"no form to {address or page} on {page}")
