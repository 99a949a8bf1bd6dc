"""Who works the queue."""
