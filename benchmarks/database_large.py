"""10^8 values on MariaDB: ``make bench BENCH=database-large``. See `benchmarks.database`.

Half an hour on two cores. Without the exports and the rebuild, whose rates and memory do not depend
on the size and which would take as long again.
"""

from __future__ import annotations

import sys

from benchmarks.database import main

STEPS = "pages,ingest,import,load,summaries"

if __name__ == "__main__":
    sys.exit(main(sizes="1e5,1e7,1e8", engines="mariadb", steps=STEPS))
