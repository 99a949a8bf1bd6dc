"""What is not right: cases of devices on hold, and what becomes of them."""
