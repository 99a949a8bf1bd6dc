"""Files of other programs: taken in as runs by a mapping, and surveys of whole trays."""
