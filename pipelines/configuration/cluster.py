"""Where a strategy other than `one` has a choice."""

import pydantic

from pipelines.configuration.section import Section


class Cluster(Section):
    """What `training.strategy` may be told; the machines themselves are in TF_CONFIG.

    Example:
        >>> Cluster(replicas=2).replicas
        2
    """

    replicas: pydantic.PositiveInt | None = None
    """For `mirrored`: how many replicas share this machine's CPU. Left out: one for each GPU, or
    one where there is none."""

    min_shard_bytes: pydantic.PositiveInt = 2**20
    """For `parameter_server`: a table is dealt out over the parameter servers in parts of at least
    so many bytes, one for each server at most."""
