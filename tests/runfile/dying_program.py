"""A test program that writes in small pieces until it is killed; says which points are on disk."""

import sys
from pathlib import Path

from mppcqa.runfile import RunWriter, _streams
from tests.runfile.make import META, charges, shapes

_streams.BASKET_BYTES = 4000  # many baskets, so that the kill comes in the middle of one

with RunWriter(Path(sys.argv[1]), META, format=sys.argv[2]) as writer:
    for point in range(100_000):
        writer.point(point, bias_v=70 + point / 10, temperature_c=20, light=0)
        for slot in (1, 3):
            writer.charges(point, slot, charges(point, slot))
            writer.waveforms(point, slot, 0, shapes(point, slot, 0), scale_v=1e-4)
        writer.flush()
        print(point, flush=True)
