"""What every part of a configuration has in common."""

import pydantic


class Section(pydantic.BaseModel):
    """A part of a configuration: typed fields with defaults, unknown keys refused, never changed.

    Subclasses declare fields and checks only. Made from a file by `load_configuration`, or by
    hand with keyword arguments; both give equal objects.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
