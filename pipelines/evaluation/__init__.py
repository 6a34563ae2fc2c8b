"""Predictions to a report of metrics."""
