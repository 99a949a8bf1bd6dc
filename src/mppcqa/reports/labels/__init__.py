"""Labels with codes: what they say, how it fits, and the sheets, tapes and printers they go to."""
