"""Signing on pages: a small dialog, what was signed, and what waits for a second name."""
