"""The versions under a base path, as TensorFlow Serving counts them."""

import os
from collections.abc import Mapping
from pathlib import Path

from serving.publishing.folder_versions import folder_versions
from serving.publishing.is_object_store import is_object_store


def versions(base_path: str | os.PathLike[str]) -> Mapping[int, Path | str]:
    """The version folders of a model, in rising order.

    TensorFlow Serving takes every child whose name it can read as a 64-bit integer, leading
    zeros and even plain files included; other names it ignores. Where two names are one number,
    the last in name order counts. In an object store a version counts once its
    `saved_model.pb` is there, which is uploaded last.

    Args:
        base_path: The model's folder, or its address in an object store, such as
            "gs://bucket/ranker"; one that does not exist has no versions.

    Returns:
        Path by number; in an object store, address by number.

    Example:
        >>> versions("no/such/model")
        {}
    """
    if is_object_store(base_path):
        from serving.publishing.object_store import store_versions

        return store_versions(base_path)
    return folder_versions(Path(base_path))
