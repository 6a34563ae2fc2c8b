"""A configuration and what is fitted to feature columns and a compiled model."""
