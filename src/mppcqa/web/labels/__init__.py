"""Labels for devices and for what codes are scanned of at the bench."""
