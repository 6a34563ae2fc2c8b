"""Fitting a model, with logs and the best checkpoint kept."""
