"""How things look on pages."""

from __future__ import annotations

import numpy as np

from mppcqa.stages.contact import spectrum_line
from mppcqa.web.looks import told


def test_a_log_on_a_page_has_no_hundreds_of_numbers() -> None:
    line = f"12:00:00Z {spectrum_line('slot_1', np.arange(120.0))}"
    numbers = line.split()[-1]
    shown = told(f"12:00 before\n{line}\n12:01 @spectrum\n12:02 after, 1,2,3")
    assert numbers.count(",") > 10
    assert numbers not in shown
    n = numbers.count(",") + 1
    assert f"12:00:00Z @spectrum slot_1 ({n} numbers, drawn on the console)\n" in shown
    assert shown.startswith("12:00 before\n")
    assert shown.endswith("12:01 @spectrum\n12:02 after, 1,2,3")
