"""The first page, and the scan box."""
