"""A question over the whole campaign and its answer, for pages and for paper."""
