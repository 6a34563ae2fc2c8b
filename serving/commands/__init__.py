"""The sub-commands of `python -m serving`."""
