"""Simple predictors that a model must beat to be worth its while."""
