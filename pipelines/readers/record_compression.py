"""How TensorFlow is told that a TFRecord file is compressed."""

from pathlib import Path

_TYPES = {".gz": "GZIP", ".zlib": "ZLIB"}


def record_compression(path: Path) -> str:
    """Returns what `tf.data.TFRecordDataset` calls the compression that a file's name tells.

    Args:
        path: The file: `.gz`, `.zlib`, or anything else for none.

    Raises:
        ValueError: If TensorFlow cannot read that compression.

    Example:
        >>> record_compression(Path("train-00000-of-00001.tfrecord.gz"))
        'GZIP'
    """
    ending = path.suffix.lower()
    if ending in (".bz2", ".xz", ".lzma", ".zst"):
        raise ValueError(
            f"`{path}` must be compressed with gzip, as TensorFlow reads TFRecord. "
            f"Received: {ending}. Run: gzip"
        )
    return _TYPES.get(ending, "")
