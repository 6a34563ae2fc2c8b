"""The section `export`: the model that is served."""

import pydantic

from pipelines.configuration.section import Section


class Export(Section):
    """What `python -m serving export` is asked for."""

    base_path: str | None = None
    """The model's folder of versions, or an address with `://`. Default: `export` in `--out`."""
    candidate_features: tuple[str, ...] = ()
    """Features that a candidate brings along in `rank`; all others are of the asking side."""
    tolerance: float = pydantic.Field(default=1e-5, gt=0)
    """How far answers of the export may be off those of the model."""
    keep_last: int | None = pydantic.Field(default=None, gt=0)
    """If given, all versions but so many are removed."""
    server_files: bool = False
    """Whether configuration files for TensorFlow Serving are written beside the versions."""
