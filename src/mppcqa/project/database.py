"""``MPPCQA_DATABASE``: an address, and options behind a question mark, as Django wants them.

What the program needs and what the address asks for go together; what is not known is refused,
because an option that is dropped (TLS!) is worse than none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from mppcqa.reach import Reach, reach

MODES = ("DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
SECONDS = ("connect_timeout", "read_timeout", "write_timeout")
FILES = ("ssl_ca", "ssl_cert", "ssl_key")
KNOWN = {
    "sqlite": ("timeout",),
    "mysql": ("ssl_mode", *FILES, *SECONDS, "unix_socket"),
}
"""Options of each kind of database."""


def database_settings(
    address: str, home: Path, *, local_files: bool, pymysql: bool
) -> tuple[dict[str, Any], list[str]]:
    """Django's settings of the database, and what a person should know of them.

    local_files
        Whether the connections may hand files to the server.
    pymysql
        Whether the driver is PyMySQL, which names options otherwise than mysqlclient.
    """
    parts = urlsplit(address)
    if parts.scheme not in KNOWN:
        raise ImproperlyConfigured(
            f"MPPCQA_DATABASE begins with {parts.scheme or 'nothing'}://; "
            "sqlite:///path and mysql://user:password@host:3306/name are known."
        )
    options = _options(parts.query, parts.scheme)
    settings: dict[str, Any] = environ.Env.db_url_config(address.partition("?")[0])
    if parts.scheme == "sqlite":
        return settings | _sqlite(options, home), []
    tls = _tls(options, pymysql=pymysql)
    settings["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        # Values are read as one text a device and analysis; a server cuts them at 1 MB or less.
        "init_command": "SET sql_mode='STRICT_TRANS_TABLES', default_storage_engine=INNODB, "
        "group_concat_max_len=16777216",
        "local_infile": local_files,
        **{name: _seconds(name, options[name]) for name in SECONDS if name in options},
        **{name: options[name] for name in ("unix_socket",) if name in options},
        **tls,
    }
    settings["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
    return settings, _warnings(settings["HOST"], options)


def _options(query: str, kind: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    known = KNOWN[kind]
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise ImproperlyConfigured(
                f"MPPCQA_DATABASE has the option {name}, which is not known for {kind}. "
                f"Known are: {', '.join(known)}."
            )
        if name in found or not value:
            what = "twice" if name in found else "without a value"
            raise ImproperlyConfigured(f"MPPCQA_DATABASE has the option {name} {what}.")
        found[name] = value
    return found


def _sqlite(options: dict[str, str], home: Path) -> dict[str, Any]:
    # Write-ahead log, and a lock taken when a transaction begins: with deferred transactions
    # several writers fail with "database is locked" instead of waiting.
    return {
        "OPTIONS": {
            "timeout": _seconds("timeout", options.get("timeout", "20")),
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
            "PRAGMA cache_size=-16000;",
        },
        # A file, not memory, so that worker processes of a test see the same rows.
        "TEST": {"NAME": str(home / "test.sqlite3")},
    }


def _seconds(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) > 0 and len(text) <= 5):
        raise ImproperlyConfigured(
            f"MPPCQA_DATABASE has {name}={text}; it must be a whole number of seconds above 0."
        )
    return int(text)


def _mode(options: dict[str, str]) -> str:
    """The mode that was asked for, or that the given files mean, as MySQL's own clients do."""
    if "ssl_mode" not in options:
        if "ssl_ca" in options:
            return "VERIFY_CA"
        return "REQUIRED" if "ssl_cert" in options or "ssl_key" in options else ""
    mode = options["ssl_mode"].upper()
    if mode not in MODES:
        raise ImproperlyConfigured(
            f"MPPCQA_DATABASE has ssl_mode={options['ssl_mode']}; known are {', '.join(MODES)}."
        )
    return mode


def _tls(options: dict[str, str], *, pymysql: bool) -> dict[str, Any]:
    """What the driver is told of TLS."""
    mode = _mode(options)
    files = {name.removeprefix("ssl_"): options[name] for name in FILES if name in options}
    for name, path in files.items():
        if not Path(path).is_file():
            raise ImproperlyConfigured(
                f"MPPCQA_DATABASE names ssl_{name}={path}, which is no file."
            )
    if "key" in files and "cert" not in files:
        raise ImproperlyConfigured("MPPCQA_DATABASE has ssl_key without ssl_cert.")
    if mode == "DISABLED" and files:
        raise ImproperlyConfigured(
            f"MPPCQA_DATABASE has ssl_mode=DISABLED and ssl_{next(iter(files))} as well; "
            "leave one of them out."
        )
    if mode.startswith("VERIFY") and "ca" not in files:
        raise ImproperlyConfigured(
            f"MPPCQA_DATABASE has ssl_mode={mode} without ssl_ca: name the file of the certificate "
            "(PEM) that the server's is to be checked against."
        )
    if not mode:
        return {}
    if not pymysql:
        return {"ssl_mode": mode, **({"ssl": files} if files else {})}
    if mode == "DISABLED":
        return {"ssl_disabled": True}
    return {
        **{f"ssl_{name}": path for name, path in files.items()},
        # PyMySQL speaks TLS or nothing once one of these is there; "none" takes any certificate.
        "ssl_verify_cert": True if mode.startswith("VERIFY") else "none",
        "ssl_verify_identity": mode == "VERIFY_IDENTITY",
    }


def _warnings(host: str, options: dict[str, str]) -> list[str]:
    here = "unix_socket" in options or not host or reach(f"//{host}") is Reach.NOBODY
    if here or _mode(options) not in ("", "DISABLED"):
        return []
    return [
        f"the database at {host} is reached without TLS, or with it only if the server offers it: "
        "others on the way could read all of it. Add to MPPCQA_DATABASE, for instance, "
        "?ssl_mode=VERIFY_IDENTITY&ssl_ca=/etc/ssl/certs/ca-certificates.crt"
    ]
