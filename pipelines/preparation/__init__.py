"""Tables to training examples: histories, split by time, vocabularies, bounds, TFRecord."""
