"""What is in a folder of an object store."""

import tensorflow as tf


def store_names(folder: str) -> list[str]:
    """The names in a folder, sorted; none where there is no such folder.

    Args:
        folder: Its address.
    """
    try:
        names = tf.io.gfile.listdir(folder)
    except tf.errors.NotFoundError:
        return []
    return sorted(name.rstrip("/") for name in names)  # some stores mark folders by a slash
