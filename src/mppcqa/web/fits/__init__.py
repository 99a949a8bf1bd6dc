"""What fits said of themselves: which analyses to look at twice."""
