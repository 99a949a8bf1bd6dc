"""The store: files by rows. Kept whole, held against their checksums whenever they are read."""
