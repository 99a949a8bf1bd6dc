"""All that a station's own computer runs: no database, no broker, no shared disk, no Django.

`agent` asks the server for work and brings what came of it; `runner`, a process of its own, looks
after the test program and outlives the agent; between them stands the `spool`, a folder. Which
programs may run says a list on this computer (`programs`), never the server.
"""
