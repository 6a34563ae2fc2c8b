"""What columns leave open, fitted on the training split: vocabularies, bounds, means."""
