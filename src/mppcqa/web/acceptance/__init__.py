"""Acceptance of lots: a plan with its risks, a sample drawn by it, and what it says."""
