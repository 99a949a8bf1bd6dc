"""Whether this process may hand files to the database server (``LOAD DATA LOCAL``).

Values come in twice as fast that way, but a server (or who pretends to be it) may then ask a client
for any file that the client can read. Workers and commands take values in; the web server, which
strangers talk to, never does, and is not started by the command `mppcqa`, which sets this.
"""

from __future__ import annotations

allowed = False
