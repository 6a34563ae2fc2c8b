"""Which fields can take the short way from a dense feature to ids."""

from tfrs_afm.columns.field import Field


def reads_plain_ids(field: Field) -> bool:
    """Whether a field's only feature is ids that a categorical column looks up directly."""
    categorical = getattr(field.categorical, "categorical_column", field.categorical)
    return len(field.keys) == 1 and getattr(categorical, "key", None) == field.keys[0]
