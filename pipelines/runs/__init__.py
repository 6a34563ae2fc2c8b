"""A configuration to a run folder: trained, judged, asked for predictions, exported."""
