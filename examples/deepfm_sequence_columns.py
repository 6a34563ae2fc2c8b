"""DeepFM over sequence feature columns: wide and second order per id, deep per field.

A sequence of up to three ids and a target, in hash buckets of 10:

    python -m examples.deepfm_sequence_columns
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import tfrs_afm  # before TFRS, which asks for the Keras that this selects

# isort: split
import tensorflow_recommenders as tfrs

fc = tf.feature_column
parts = tfrs_afm.interactions


def make_columns() -> list[Any]:
    """Both columns, embedded in 8 dimensions; the deep side adds the ids of a field up."""
    return [
        fc.embedding_column(
            fc.sequence_categorical_column_with_hash_bucket(key, 10, tf.int64), 8, combiner="sum"
        )
        for key in ("seq", "target")
    ]


def make_features() -> dict[str, tf.SparseTensor]:
    """Three examples; int32, as the ids came."""
    rows = {
        "seq": [[1100, 1101, 1102], [1103, 1101], [1100, 1102]],
        "target": [[1102], [1103], [1100]],
    }
    return {key: tf.ragged.constant(ids, tf.int32).to_sparse() for key, ids in rows.items()}


class DeepFM(tfrs.Model):
    """DeepFM whose wide and second-order parts see single ids, and whose tower sees fields.

    Args:
        across_fields_only: Whether pairs of ids within one column are left out.
    """

    def __init__(self, *, across_fields_only: bool = False) -> None:
        super().__init__()
        self.across_fields_only = across_fields_only
        self.ids = tfrs_afm.IdEmbedding(make_columns())
        # The same tables, pooled: one embedding, two views of it.
        self.fields = tfrs_afm.FieldEmbedding(make_columns(), tables=self.ids.tables)
        self.wide = parts.Linear()
        self.second_order = parts.FactorizationMachine()
        self.deep = parts.Deep([32, 16])
        self.task = tfrs.tasks.Ranking(tf.keras.losses.BinaryCrossentropy(from_logits=True))

    def sides(self, features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The three parts of the logit, each (batch, 1)."""
        ids = self.ids(features)
        groups = ids.fields if self.across_fields_only else None
        return {
            "wide": self.wide(ids.linear, mask=ids.mask),
            "second_order": self.second_order(ids.vectors, mask=ids.mask, groups=groups),
            "deep": self.deep(*self.fields(features)[:2]),
        }

    def call(self, features: Mapping[str, Any]) -> tf.Tensor:
        """The probability, (batch, 1)."""
        return tf.sigmoid(tf.add_n(list(self.sides(features).values())))

    def compute_loss(self, inputs: tuple, training: Any = None) -> tf.Tensor:
        """Cross-entropy of the labels."""
        features, labels = inputs
        logits = tf.add_n(list(self.sides(features).values()))
        return self.task(labels[:, tf.newaxis], logits)


def main() -> None:
    """Prints the parts of the score, and what training does."""
    features, labels = make_features(), tf.constant([1.0, 0.0, 1.0])
    for across in (False, True):
        model = DeepFM(across_fields_only=across)
        for name, side in model.sides(features).items():
            print(f"{name:12} {side.shape} {side.numpy()[:, 0].round(3).tolist()}")
        model.compile(tf.keras.optimizers.Adam(0.05))
        data = tf.data.Dataset.from_tensors((features, labels)).repeat(30)
        before = float(model.compute_loss((features, labels)))
        model.fit(data, verbose=0)
        after = float(model.compute_loss((features, labels)))
        scores = model(features).numpy()[:, 0].round(3).tolist()
        print(f"loss {before:.3f} -> {after:.3f}, probability {scores}")


if __name__ == "__main__":
    main()
