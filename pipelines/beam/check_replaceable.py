"""Whether a folder may be written over."""

from pathlib import Path

from pipelines.preparation.feature_spec import FeatureSpec


def check_replaceable(out: Path) -> None:
    """Refuses a folder that holds anything but prepared examples.

    Args:
        out: A folder, or the name of none.

    Raises:
        ValueError: If something else is there.

    Example:
        >>> import tempfile
        >>> check_replaceable(Path(tempfile.mkdtemp()))
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        FeatureSpec.read(out)
