"""Names inside of a place."""


def escaped(name: str) -> str:
    """Returns a name as TensorFlow's checkpoints write it between slashes.

    Args:
        name: Name of an attribute, or key of a dict, which may hold slashes itself.
    """
    return name.replace(".", "..").replace("/", ".S")
