"""Which keys each kind of column has."""

_NUMBER = ("dtype", "shape", "default_value")
_BOUNDS = (*_NUMBER, "boundaries", "bounds", "num_buckets")
_IDENTITY = ("num_buckets", "default_value")
_LIST = ("vocabulary_list", "min_count", "max_size", "num_oov_buckets", "default_value", "dtype")
_FILE = ("vocabulary_size", "num_oov_buckets", "default_value", "dtype")
_CROSSED = ("keys", "hash_bucket_size")
_WEIGHTED = ("categorical_column", "weight_feature_key")

COLUMN_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "numeric_column": (("key",), (*_NUMBER, "normalizer")),
    "bucketized_column": (("key",), _BOUNDS),
    "piecewise_linear_column": (("key",), _BOUNDS),
    "crossed_column": (_CROSSED, ("hash_key",)),
    "weighted_categorical_column": (_WEIGHTED, ("dtype",)),
    "sequence_numeric_column": (("key",), (*_NUMBER, "normalizer")),
    "sequence_bucketized_column": (("key",), _BOUNDS),
    "sequence_crossed_column": (_CROSSED, ("hash_key",)),
    "sequence_weighted_categorical_column": (_WEIGHTED, ("dtype",)),
    **{
        f"{prefix}categorical_column_with_{how}": keys
        for prefix in ("", "sequence_")
        for how, keys in {
            "identity": (("key",), _IDENTITY),
            "vocabulary_list": (("key",), _LIST),
            "vocabulary_file": (("key", "vocabulary_file"), _FILE),
            "hash_bucket": (("key", "hash_bucket_size"), ("dtype",)),
        }.items()
    },
}
"""Kind -> the keys that it needs, and those that it may have besides those of the embedding."""

EMBEDDING_KEYS = (
    "combiner",
    "dimension",
    "indicator",
    "max_norm",
    "num_remainders",
    "pooling",
    "shared",
    "stddev",
    "trainable",
)
"""Keys of the embedding, of each column that has ids."""
