"""Any question over the whole campaign."""
