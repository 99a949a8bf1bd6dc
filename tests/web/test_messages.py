"""Both languages are complete."""

from __future__ import annotations

from babel.messages.pofile import read_po

from mppcqa.web.messages import catalogues, gather, untranslated


def test_spanish_is_complete() -> None:
    """After a change of texts run `mppcqa messages` and fill in what it reports."""
    wanted = {_key(message.id) for message in gather() if message.id}
    assert catalogues()
    for path in catalogues():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        there = {_key(message.id) for message in catalogue if message.id}
        assert sorted(wanted - there) == []
        assert untranslated(catalogue) == []


def _key(identity: object) -> str:
    return str(identity[0] if isinstance(identity, tuple | list) else identity)
