"""Thousands of measured files at once, a folder or ZIP archive, to many devices; one report."""
