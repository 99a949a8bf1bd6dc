"""Who left: accounts of a directory that it does not know any more."""

from __future__ import annotations

from django.contrib.auth.models import User

from mppcqa.people.ldap_directory import look_up
from mppcqa.people.models import Outside
from mppcqa.people.outside import OutsideFault, digest_of, elsewhere, granted, shut_out


def look_after() -> tuple[int, list[User]]:
    """How many accounts were asked for, and those that were kept out.

    Raises `Unreachable` where the directory does not answer, `OutsideFault` where none is named.
    """
    told = elsewhere()
    if told.ldap is None:
        raise OutsideFault("no directory is named")
    asked, gone = 0, []
    rows = Outside.objects.filter(source=Outside.Source.LDAP, user__is_active=True)
    for row in rows.select_related("user"):
        asked += 1
        name = row.user.get_username()
        entry = look_up(told.ldap, name)
        # The name may be another person's by now.
        known = entry is not None and digest_of(entry.subject) == row.subject
        if entry is not None and known and granted(entry.groups, told.grants) is not None:
            continue
        if (out := shut_out(Outside.Source.LDAP, name=name)) is not None:
            gone.append(out)
    return asked, gone
