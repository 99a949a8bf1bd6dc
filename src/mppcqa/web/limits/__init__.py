"""Limit sets."""
