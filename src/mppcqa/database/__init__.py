"""Craft of big tables, of whatever they hold: rows of numbers, clustering, retries."""
