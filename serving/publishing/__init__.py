"""Putting a SavedModel where a server finds it, whole or not at all."""
