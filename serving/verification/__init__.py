"""Whether a SavedModel answers as the trained model did."""
