"""Reports: the card of those that were kept, asking for one, and their files."""
