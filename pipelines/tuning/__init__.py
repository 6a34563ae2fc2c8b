"""Configurations tried one after the other, and the best of them."""
