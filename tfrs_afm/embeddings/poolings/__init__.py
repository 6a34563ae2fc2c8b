"""Pooling rules beyond a column's own combiner."""
