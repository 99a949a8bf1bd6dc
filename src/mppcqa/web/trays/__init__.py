"""Trays and their maps."""
