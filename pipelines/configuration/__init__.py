"""What a run is made from, as checked values: read from a TOML file or written in Python."""
