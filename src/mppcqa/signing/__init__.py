"""Signatures: what a person stands for by logging in again, in words that stay beside the name."""
