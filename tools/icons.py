"""The icons that pages use, out of the thousands that Tabler has: `build/icons`, by every `make`.

Every quoted word of the sources that is an icon's name counts as used: some too many are cheap,
a missing one is an empty place. Done again only where the words, or the icons, have changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

ROOT = Path(__file__).resolve().parents[1]
GIVEN = ROOT / "node_modules/@tabler/icons-webfont/dist"
MADE = ROOT / "build/icons"
SOURCES = ROOT / "src/mppcqa/web"
WORD = re.compile(r"""["']([a-z0-9]+(?:-[a-z0-9]+)*)["']""")
ICON = re.compile(r"""\.ti-([a-z0-9-]+):before\{content:"\\([0-9a-f]+)"\}""")
FACES = re.compile(r"src:[^;}]*")


def main() -> None:
    style = (GIVEN / "tabler-icons.min.css").read_text(encoding="utf-8")
    used = used_icons(SOURCES, dict(ICON.findall(style)))
    made = MADE / "tabler-icons.min.css"
    rules = Path(__file__).read_text(encoding="utf-8")
    mark = hashlib.sha256(repr((rules, style, sorted(used))).encode()).hexdigest()[:16]
    if (
        made.is_file()
        and (MADE / "tabler-icons.woff2").is_file()
        and f"/* {mark} */" in made.read_text(encoding="utf-8")
    ):
        return
    MADE.mkdir(parents=True, exist_ok=True)
    write_font(GIVEN / "fonts/tabler-icons.ttf", MADE / "tabler-icons.woff2", used.values())
    made.write_text(f"{lesser_style(style, set(used))}/* {mark} */\n", encoding="utf-8")
    print(f"{len(used)} icons: {MADE.relative_to(ROOT)}")


def used_icons(sources: Path, every: dict[str, str]) -> dict[str, str]:
    """Of all icons (name -> code point in hexadecimal), those whose name the sources say."""
    words: set[str] = set()
    for path in sorted(sources.rglob("*")):
        if path.suffix in (".html", ".py", ".js"):
            words.update(WORD.findall(path.read_text(encoding="utf-8")))
    return {name: every[name] for name in sorted(words & every.keys())}


def lesser_style(style: str, used: set[str]) -> str:
    """The style sheet with the rules of the used icons, and one font."""
    kept = ICON.sub(lambda rule: rule.group() if rule.group(1) in used else "", style)
    font = 'src:url("./tabler-icons.woff2") format("woff2")'
    return FACES.sub(font, kept, count=1)


def write_font(source: Path, target: Path, codes: Iterable[str]) -> None:
    """The font with those characters alone."""
    options = Options(flavor="woff2", layout_features=[], glyph_names=False, hinting=False)
    font = load_font(str(source), options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[int(code, 16) for code in codes])
    subsetter.subset(font)
    save_font(font, str(target), options)


if __name__ == "__main__":
    main()
