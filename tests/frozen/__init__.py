"""Databases of released versions, one folder each, and how they are made, kept and read.

``make freeze-database`` writes that of the version that stands in the tree. A folder holds the
database twice, as SQLite's and as MariaDB's own statements, and the files that its rows name.
"""
