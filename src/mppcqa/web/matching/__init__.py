"""Matching: groups of alike devices, looked for, kept, packed together, undone."""
