"""What the raw features are: feature columns to ids, values and parse specs."""
