"""Workers of `benchmarks.interactions`, each a program for an interpreter of its own."""
