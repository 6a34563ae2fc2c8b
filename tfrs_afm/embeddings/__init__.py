"""Ids to vectors and masks: pooled per field, shared tables."""
