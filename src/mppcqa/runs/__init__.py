"""Stations, what sits in them, runs, and the files that runs leave."""
