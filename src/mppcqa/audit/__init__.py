"""Who changed what: written by the database itself, chained by hashes, anchored outside of it."""
