"""The refusal to publish."""


class VerificationError(ValueError):
    """A SavedModel that does not load, or does not answer as the trained model did."""
