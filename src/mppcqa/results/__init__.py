"""Analyses, their values, and which of them count."""
