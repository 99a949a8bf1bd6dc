"""Reports are read through the pages as well: somebody logged in."""

from tests.web.conftest import browser_client

__all__ = ["browser_client"]
