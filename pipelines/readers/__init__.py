"""Anybody's files to rows and tables."""
