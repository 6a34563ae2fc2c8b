"""What features a list of columns reads, as data."""

import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.fields_of import fields_of
from tfrs_afm.columns.parse_spec import parse_spec
from tfrs_afm.columns.serialize_columns import serialize_columns


def feature_schema(columns: Sequence[Any]) -> dict[str, Any]:
    """Describes the raw features of columns as JSON-ready data with a content hash.

    Reader, exporter and client can each compare the hash with their own: two schemas are equal
    exactly if they read the same features in the same way, vocabularies included.

    Args:
        columns: Feature columns, as for `FieldEmbedding`.

    Returns:
        `features`: by name, `dtype`, `kind` ("fixed" or "variable"), `shape`, `default` (None
        where the feature is required) and `fields` that read it; `fields`: names in declared
        order; `vocabularies`: by column, the SHA-256 of its words; `hash`: SHA-256 of all this.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> age = tf.feature_column.numeric_column("age", default_value=30.0)
        >>> schema = tfrs_afm.feature_schema([age])
        >>> schema["features"]["age"]["kind"], schema["features"]["age"]["default"]
        ('fixed', [30.0])
    """
    fields = fields_of(columns)
    features = {}
    for name, spec in sorted(parse_spec(columns).items()):
        fixed = isinstance(spec, tf.io.FixedLenFeature)
        default = spec.default_value if fixed else []
        features[name] = {
            "dtype": spec.dtype.name,
            "kind": "fixed" if fixed else "variable",
            "shape": list(spec.shape) if fixed else None,
            "default": default if default is None else list(default),
            "fields": [field.name for field in fields if name in field.keys],
        }
    schema: dict[str, Any] = {
        "features": features,
        "fields": [field.name for field in fields],
        "vocabularies": _vocabularies(serialize_columns(columns)),
    }
    content = json.dumps(schema, sort_keys=True, default=str).encode()
    return {**schema, "hash": hashlib.sha256(content).hexdigest()}


def _vocabularies(config: Any) -> dict[str, str]:
    """Finds the vocabularies inside serialized columns."""
    found: dict[str, str] = {}
    if isinstance(config, list | tuple):
        for part in config:
            found.update(_vocabularies(part))
    elif isinstance(config, dict):
        words = None
        if config.get("vocabulary_file"):
            words = pathlib.Path(config["vocabulary_file"]).read_bytes()
        elif config.get("vocabulary_list"):
            words = "\n".join(map(str, config["vocabulary_list"])).encode()
        if words is not None:
            found[config["key"]] = hashlib.sha256(words).hexdigest()
        for part in config.values():
            found.update(_vocabularies(part))
    return found
