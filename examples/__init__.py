"""Programs that show what the packages do; each runs by itself."""
