"""What was changed of a thing, on its page."""
