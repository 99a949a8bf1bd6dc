"""What mppcqa is installed with may be used by whoever may use mppcqa (BSD-3-Clause)."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions

FREE = {"MIT", "BSD", "APACHE", "PSF", "ISC", "ZLIB", "0BSD", "CC0", "OFL", "MPL", "HPND"}
LOOKED_AT = {
    "docutils": "public domain; the GPL is of an Emacs mode that comes along; for twine",
    "iminuit": "its own code MIT; Minuit2 inside is LGPL, linked as a library of its own",
    "nptdms": "LGPL: used as it is, imported, not changed",
    "python-crontab": "LGPL: django-celery-beat imports it; used as it is, not changed",
    "root": "LGPL: for tests, as the reader that run files must please",
}


def _licence(one: Distribution) -> str:
    said = one.metadata.get("License-Expression")
    if said is None:
        named = [
            name.rpartition(" :: ")[2]
            for name in one.metadata.get_all("Classifier", [])
            if name.startswith("License ::")
        ]
        said = "; ".join(named) or (one.metadata.get("License") or "")
    return said.replace("Mozilla Public License 2.0 (MPL 2.0)", "MPL")


def _free(licence: str) -> bool:
    """Whether one that we know is among those offered, and none that binds what imports it."""
    licence = licence.replace("Python Software Foundation License", "PSF")
    words = set(re.findall(r"[A-Z0-9]+(?:-[A-Z]+)?", licence.upper()))
    named = {word for word in words if any(word == one or word.startswith(one) for one in FREE)}
    return bool(named) and not any("GPL" in word for word in words)


def test_no_package_that_is_installed_binds_who_uses_mppcqa() -> None:
    strange = {
        one.metadata["Name"]: _licence(one)[:80] or "names none"
        for one in distributions()
        if not _free(_licence(one)) and one.metadata["Name"].lower() not in LOOKED_AT
    }
    assert not strange, "look at their terms, then name them in LOOKED_AT or leave them"
