"""MovieLens-100K: who liked which film, with what they liked before."""
