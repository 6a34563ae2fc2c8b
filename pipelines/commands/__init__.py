"""The commands of `python -m pipelines`, one a file."""
