"""Limits, verdicts by them, and what people decide about devices."""
