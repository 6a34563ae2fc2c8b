"""The versions in an object store."""

import tensorflow as tf

from serving.publishing.object_store.store_names import store_names
from serving.publishing.version_number import version_number


def store_versions(base: str) -> dict[int, str]:
    """The whole versions under an address, in rising order; see `versions`.

    Without `saved_model.pb` a version is being uploaded, or its exporter was killed.
    """
    base = base.rstrip("/")
    found = {version_number(name): f"{base}/{name}" for name in store_names(base)}
    return {
        number: address
        for number, address in sorted((n, one) for n, one in found.items() if n is not None)
        if tf.io.gfile.exists(f"{address}/saved_model.pb")
    }
