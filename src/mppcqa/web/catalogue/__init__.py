"""The catalogue: makers, types, lots, institutes, stations and their like."""
