"""Attacks on the pages, each a sweep over all that there is, so that a new page is attacked too.

What attacks one format or one room lies with it: bombs and broken tables in `exchange/
test_hostile_tables.py` and `runfile/test_fuzz.py`, bundles in `bundles/test_hostile.py`, backups in
`exchange/test_backup.py`, programs' output in `queue/test_untrusted.py`, passwords in
`web/test_login.py`, texts that no column holds in `web/test_typed.py`, roles in `people/
test_matrix.py`. Here each says how many inputs it tried; `MPPCQA_THOROUGH` tries more.
"""
