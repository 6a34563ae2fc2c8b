"""A configuration to a run folder: trained, evaluated, asked for predictions, exported."""
