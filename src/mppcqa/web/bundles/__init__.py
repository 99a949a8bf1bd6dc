"""Bundles for and from partners, and the partners' keys."""
