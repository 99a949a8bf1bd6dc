"""Migrations of the web room as a later version of the program would have them."""
