"""Distributions and yields."""
