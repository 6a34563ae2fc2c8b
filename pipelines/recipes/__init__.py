"""Known data sets: where they come from, how they are prepared, and a model for each."""
