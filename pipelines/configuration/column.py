"""The section `columns`: one feature column."""

import itertools
from typing import Annotated, Any, Literal, Self

import pydantic

from pipelines.configuration.section import Section, broken


class Pooling(Section):
    """How the ids of a column become one vector, by a rule of `tfrs_afm.embeddings`."""

    kind: Literal["LastK", "Maximum", "Minimum", "RecencyDecay", "TargetAttention"]
    """The rule."""
    k: int = pydantic.Field(default=10, gt=0)
    """LastK: how many of the newest ids count."""
    half_life: float = pydantic.Field(default=10.0, gt=0)
    """RecencyDecay: after how many ids the weight is half as large."""
    newest: Literal["first", "last"] = "last"
    """LastK, RecencyDecay: where in the list the newest id is."""
    query: str | None = None
    """TargetAttention: the feature key of the column that is attended from, as "item_id"."""
    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = (36,)
    """TargetAttention: widths of its hidden layers."""
    softmax: bool = False
    """TargetAttention: whether the weights sum to one."""


Kind = Literal[
    "numeric_column",
    "bucketized_column",
    "piecewise_linear_column",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_list",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_hash_bucket",
    "crossed_column",
    "weighted_categorical_column",
    "sequence_numeric_column",
    "sequence_bucketized_column",
    "sequence_categorical_column_with_identity",
    "sequence_categorical_column_with_vocabulary_list",
    "sequence_categorical_column_with_vocabulary_file",
    "sequence_categorical_column_with_hash_bucket",
    "sequence_crossed_column",
    "sequence_weighted_categorical_column",
]
Positive = Annotated[int, pydantic.Field(gt=0)]
Crossed = Annotated[
    Annotated[str, pydantic.Tag("feature")] | Annotated["Column", pydantic.Tag("column")],
    pydantic.Discriminator(lambda value: "feature" if isinstance(value, str) else "column"),
]


class Column(Section):
    """One feature column, by the names and arguments of `tf.feature_column` and `tfrs_afm`.

    A categorical column is embedded: `dimension`, `stddev` and `combiner` say how, and are the
    model's where they are left out. What is marked "fitted" below is found on the training split
    when it is left out.
    """

    kind: Kind
    """The function of `tf.feature_column` or `tfrs_afm` that makes the column."""
    key: str | None = pydantic.Field(default=None, min_length=1)
    """The feature. Of all kinds but crossed and weighted ones."""
    dtype: Literal["int64", "float32", "string"] | None = None
    """Type of the feature. Default: int64 for identity columns, float32 for numbers, else string.
    Of weighted columns, the type of the weights."""
    shape: tuple[Positive, ...] = (1,)
    """Numbers: shape of one value."""
    default_value: int | float | Literal["mean", "median"] | None = None
    """Numbers: what a missing one counts as; "mean" and "median" are fitted. Identity: the id
    for ids out of range. Vocabulary: the id of unknown values."""
    normalizer: Literal["standard", "min_max", "log"] | None = None
    """Numbers: `standard` (x - mean) / standard deviation, `min_max` (x - min) / (max - min), `log`
    the standard form of sign(x) log(1 + |x|). All fitted."""
    boundaries: tuple[float, ...] = ()
    """Bucketized, piecewise linear: ascending bounds. Fitted: `num_buckets` of them by `bounds`."""
    bounds: Literal["quantile", "uniform"] = "quantile"
    """Bucketized, piecewise linear: buckets of about equal count, or of equal width."""
    num_buckets: Positive | None = None
    """Identity: number of ids; fitted: one more than the largest. Bucketized: most buckets."""
    vocabulary_list: tuple[int | str, ...] = ()
    """Vocabulary list: the values; fitted: by falling count."""
    min_count: Positive = 1
    """Vocabulary list, fitted: rarer values are unknown."""
    max_size: Positive | None = None
    """Vocabulary list, fitted: most values."""
    vocabulary_file: str | None = None
    """Vocabulary file: one value a line."""
    vocabulary_size: Positive | None = None
    """Vocabulary file: how many of its lines count. Default: all."""
    num_oov_buckets: int = pydantic.Field(default=0, ge=0)
    """Vocabulary: ids that unknown values are hashed to."""
    hash_bucket_size: int | None = pydantic.Field(default=None, gt=1)
    """Hash, crossed: number of ids."""
    hash_key: int | None = None
    """Crossed: key of the hash."""
    keys: tuple[Crossed, ...] = ()
    """Crossed: features or columns, two or more."""
    categorical_column: "Column | None" = None
    """Weighted: the column that is weighted."""
    weight_feature_key: str | None = None
    """Weighted: the feature with a weight for each id."""

    dimension: Positive | None = None
    """Length of the vectors. Default: `model.dim`."""
    combiner: Literal["mean", "sum", "sqrtn"] | None = None
    """How the vectors of several ids become one. Default: "mean"."""
    stddev: float | None = pydantic.Field(default=None, gt=0)
    """Standard deviation of the vectors before training. Default: `model.stddev`."""
    max_norm: float | None = pydantic.Field(default=None, gt=0)
    """If given, longer vectors are cut to this length."""
    trainable: bool = True
    """Whether training changes the vectors."""
    num_remainders: Positive | None = None
    """For a huge vocabulary: vectors are composed of two small tables, one with this many rows, the
    other with the number of ids divided by it; see `tfrs_afm.embeddings.QuotientRemainderTable`."""
    indicator: bool = False
    """Whether the column is an `indicator_column` instead: x_i counts, and ids add up."""
    shared: str | None = None
    """Name of a table; columns with one name share it, and what is fitted to their ids."""
    pooling: Pooling | None = None
    """A rule instead of the combiner."""

    @pydantic.model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        required, optional = COLUMN_KEYS[self.kind]
        has_ids = self.kind not in ("numeric_column", "sequence_numeric_column")
        allowed = {"kind", *required, *optional, *(EMBEDDING_KEYS if has_ids else ())}
        for name, field in type(self).model_fields.items():
            given = getattr(self, name) != field.default
            if given and name not in allowed:
                known = ", ".join(sorted(allowed - {"kind"}))
                raise broken(name, f"be left out of kind {self.kind}", f"It knows {known}.")
            if not given and name in required:
                raise broken(name, f"be given for kind {self.kind}", "Add it.")
        self._check_values()
        return self

    def _check_values(self) -> None:
        if self.num_remainders is not None and (self.max_norm or not self.trainable):
            key = "max_norm" if self.max_norm else "trainable"
            raise broken(key, "be left out with `num_remainders`", "Keep one of the two.")
        if any(left >= right for left, right in itertools.pairwise(self.boundaries)):
            raise broken("boundaries", "ascend", "Sort them, and drop what is double.")
        if len(self.keys) == 1:
            raise broken("keys", "be two or more", "Add a feature to cross with.")
        for name in EMBEDDING_KEYS:
            given = getattr(self, name) != type(self).model_fields[name].default
            if self.indicator and given and name != "indicator":
                raise broken(name, "be left out of an indicator column", "Drop `indicator`.")
        sequence = self.kind.startswith("sequence_")
        for inner in (*self.keys, self.categorical_column):
            if not isinstance(inner, Column):
                if sequence and isinstance(inner, str):
                    raise broken("keys", "be sequence columns in a sequence_crossed_column")
                continue
            if inner.kind.startswith("sequence_") != sequence:
                word = "a sequence column" if sequence else "no sequence column"
                key = "keys" if self.keys else "categorical_column"
                raise broken(key, f"be {word} in kind {self.kind}", f"Received {inner.kind}.")

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the column reads, those of inner columns included."""
        found: list[Any] = [self.key, self.weight_feature_key]
        for inner in (*self.keys, self.categorical_column):
            found += inner.features if isinstance(inner, Column) else [inner]
        return tuple(dict.fromkeys(name for name in found if name is not None))


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
