"""Routines at set times."""
