"""A version, removed from an object store."""

import tensorflow as tf


def remove(address: str) -> None:
    """Removes a version, `saved_model.pb` first: no server may load what is half gone.

    Args:
        address: The version; one that is not there is no error. Where the store does not answer,
            the rest stays: without `saved_model.pb` it does not count as a version.
    """
    try:
        if tf.io.gfile.exists(f"{address}/saved_model.pb"):
            tf.io.gfile.remove(f"{address}/saved_model.pb")
        tf.io.gfile.rmtree(address)
    except tf.errors.OpError as error:
        if not isinstance(error, tf.errors.NotFoundError):
            tf.get_logger().warning("Could not remove %s: %s", address, error)
