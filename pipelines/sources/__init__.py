"""Raw data sets to rows: one function a data set, found by its name."""
