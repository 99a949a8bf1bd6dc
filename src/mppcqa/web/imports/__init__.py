"""Tables that are taken in."""
