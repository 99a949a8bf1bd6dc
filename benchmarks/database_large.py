"""10^8 values on MariaDB: ``make bench BENCH=database-large``. See `benchmarks.database`."""

from __future__ import annotations

import sys

from benchmarks.database import main

if __name__ == "__main__":
    sys.exit(main(sizes="1e5,1e7,1e8", engines="mariadb"))
