"""A run folder to one HTML page that needs nothing else."""
