"""Stations: loading, starting, their lane."""
