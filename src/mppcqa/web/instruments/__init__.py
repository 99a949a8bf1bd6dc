"""Instruments: where they stand, their calibrations, and what of a station is wired to what."""
