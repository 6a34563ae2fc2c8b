"""Exact metrics of predictions, in NumPy and float64."""
