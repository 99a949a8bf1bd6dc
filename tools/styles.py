"""The rules of Tabler's style sheet that pages use, and its script, to `build/tabler`.

A rule stays where the sources say each class that it names: as a word, or by how it begins (`bg-`
where a page writes `bg-{{ colour }}`). Words of all kinds count, comments too: some rules too many
are cheap, a missing one is a page that looks wrong. What its script puts on elements counts too.
Of the definitions of variables those stay that something reads. Every `make` looks, and makes it
anew where the words, the style sheet or this program have changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tinycss2

ROOT = Path(__file__).resolve().parents[1]
GIVEN = ROOT / "node_modules/@tabler/core/dist"
MADE = ROOT / "build/tabler"
SOURCES = ROOT / "src/mppcqa"
STYLE, SCRIPT = "css/tabler.min.css", "js/tabler.min.js"
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_:-]*")
CLASS = re.compile(r"\.((?:\\.|[\w-])+)")
UNLESS = re.compile(r":(?:not|is|where)\([^)]*\)")
READ = re.compile(r"(?:var\(\s*|[\"'`])(--[\w-]+)")
SHORTEST = 3
"""Letters of the beginning of a class, with its hyphen."""
AROUND = ("media", "supports", "layer", "container")
"""What stands around rules."""


def main() -> None:
    given = (GIVEN / STYLE).read_text(encoding="utf-8")
    script = (GIVEN / SCRIPT).read_text(encoding="utf-8")
    own = [path.read_text(encoding="utf-8") for path in sources(SOURCES)]
    used = Used([*own, script])
    rules = Path(__file__).read_text(encoding="utf-8")
    whole = repr((rules, given, script, sorted(used.words), sorted(READ.findall("".join(own)))))
    mark = f"/* {hashlib.sha256(whole.encode()).hexdigest()[:16]} */"
    made = MADE / STYLE
    both = made.is_file() and (MADE / SCRIPT).is_file()
    if both and made.read_text(encoding="utf-8").endswith(f"{mark}\n"):
        return
    for name in (STYLE, SCRIPT):
        (MADE / name).parent.mkdir(parents=True, exist_ok=True)
    style = lesser_style(given, used, "".join([*own, script]))
    (MADE / SCRIPT).write_text(script, encoding="utf-8")
    made.write_text(f"{style}{mark}\n", encoding="utf-8")
    print(f"{len(style) // 1000} kB of {len(given) // 1000}: {made.relative_to(ROOT)}")


def sources(folder: Path) -> Iterator[Path]:
    """Files that say classes: pages, programs and styles of our own."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".py", ".js", ".css") and "vendor" not in path.parts:
            yield path


class Used:
    """The words of some texts, as classes."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.words = {word for text in texts for word in WORD.findall(text)}
        self.begun = tuple(w for w in self.words if w.endswith("-") and len(w) >= SHORTEST)

    def has(self, name: str) -> bool:
        """Whether a class may stand on an element."""
        return name in self.words or name.startswith(self.begun)


def lesser_style(style: str, used: Used, texts: str) -> str:
    """The style sheet with the rules of used classes, and with the variables that are read."""
    notice = style[style.index("/*!") : style.index("*/") + 2]
    rules = tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True)
    kept = list(_rules(rules, used))
    while True:
        read = {*READ.findall("".join(kept)), *READ.findall(texts)}
        lesser = [_without_unread(rule, read) for rule in kept]
        if lesser == kept:
            return f'@charset "UTF-8";{notice}\n{"".join(kept)}'
        kept = lesser


def _rules(rules: Iterable[Any], used: Used) -> Iterator[str]:
    for rule in rules:
        if rule.type == "error":
            raise ValueError(f"{STYLE}, line {rule.source_line}: {rule.message}")
        if rule.type == "qualified-rule":
            named = [one for one in _by_comma(rule.prelude) if _is_used(one, used)]
            if named:
                yield f"{','.join(named)}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.lower_at_keyword in AROUND and rule.content is not None:
            inside = tinycss2.parse_rule_list(
                rule.content, skip_comments=True, skip_whitespace=True
            )
            if inner := "".join(_rules(inside, used)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        elif rule.lower_at_keyword != "charset":
            yield tinycss2.serialize([rule])


def _by_comma(prelude: Iterable[Any]) -> list[str]:
    """Selectors of a list; what stands in brackets is one token."""
    parts: list[list[Any]] = [[]]
    for piece in prelude:
        if piece == ",":
            parts.append([])
        else:
            parts[-1].append(piece)
    return [tinycss2.serialize(one) for one in parts]


def _is_used(selector: str, used: Used) -> bool:
    """Whether it may choose something; what must not be there, or need not, is not asked for."""
    named = CLASS.findall(UNLESS.sub("", selector))
    return all(used.has(name.replace("\\", "")) for name in named)


def _without_unread(rule: str, read: set[str]) -> str:
    """A rule of style without definitions of variables that nothing reads."""
    if rule.startswith("@") or "--" not in rule:
        return rule
    selector, _, content = rule.partition("{")
    parts = tinycss2.parse_declaration_list(content[:-1], skip_comments=True, skip_whitespace=True)
    if any(part.type == "error" for part in parts):
        return rule
    kept = [part for part in parts if not part.name.startswith("--") or part.name in read]
    return f"{selector}{{{tinycss2.serialize(kept)}}}" if kept else ""


if __name__ == "__main__":
    main()
