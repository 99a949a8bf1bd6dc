"""Devices: their list, the page of one, its form."""
