"""Scans: what a scanner reads on any page, and what is done with it."""
