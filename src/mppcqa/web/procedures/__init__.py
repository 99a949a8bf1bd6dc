"""Procedures: how each stage is done, in versions, with pictures; and who was shown how."""
