"""Which versions on disk a model's policy wants served."""

import logging
from pathlib import Path
from typing import Any

from serving.publishing.folder_versions import folder_versions
from serving.server.errors import invalid

_log = logging.getLogger(__name__)


def aspired_versions(model: Any) -> dict[int, Path]:
    """The versions that a ModelConfig's policy picks from its base path.

    Args:
        model: A `tensorflow.serving.ModelConfig`. Its policy is `latest` with one version
            unless it says `latest { num_versions }`, `all` or `specific { versions }`.

    Raises:
        StatusError: INVALID_ARGUMENT if the base path does not exist. Nothing may be unloaded
            then: a share that is away for a moment is not an empty model.
    """
    base = Path(model.base_path)
    if not base.is_dir():
        raise invalid(f"Could not find base path {base} for servable {model.name}")
    found = folder_versions(base)
    policy = model.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        picked = found
    elif choice == "specific":
        picked = {v: found[v] for v in sorted(set(policy.specific.versions)) if v in found}
        missing = sorted(set(policy.specific.versions) - set(found))
        if missing:
            _log.warning("versions %s of servable %s are not in %s", missing, model.name, base)
    else:
        count = max(policy.latest.num_versions, 1)
        picked = {v: found[v] for v in sorted(found)[-count:]}
    if not picked:
        _log.warning("No versions of servable %s found under base path %s", model.name, base)
    return picked
