"""Runs: their list, the page of one, its files."""
