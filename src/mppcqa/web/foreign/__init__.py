"""Measured files of other programs."""
