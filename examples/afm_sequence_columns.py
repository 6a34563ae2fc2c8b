"""AFM over sequence feature columns: every pooling, at field level and at id level.

Two behaviour sequences and a target, in hash buckets of 10, of lengths that differ:

    python -m examples.afm_sequence_columns
"""

from typing import Any

import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
parts = tfrs_afm.interactions

# How the pairs of a level become one vector; means and maxima count real pairs only.
POOLINGS = {
    "attention": lambda: parts.AttentionPooling(units=8),
    "average": parts.AveragePooling,
    "sum": parts.SumPooling,
    "max": parts.MaxPooling,
}


def make_columns() -> list[Any]:
    """The three columns, embedded in 8 dimensions; each field is the mean of its sequence."""
    return [
        fc.embedding_column(
            fc.sequence_categorical_column_with_hash_bucket(key, 10, tf.int64), dimension=8
        )
        for key in ("3101", "3102", "target")
    ]


def make_features() -> dict[str, tf.SparseTensor]:
    """Three examples; rows of 3101 and 3102 have one or two ids. int32, as the ids came."""
    rows = {
        "3101": [[1100, 1101], [1102, 1101], [1103]],
        "3102": [[1000, 1001], [1002, 1001], [1003]],
        "target": [[1102], [1103], [1100]],
    }
    return {key: tf.ragged.constant(ids, tf.int32).to_sparse() for key, ids in rows.items()}


def make_embedding(level: str) -> Any:
    """Field level crosses three fields; id level the ids of 3101 with the target in one list."""
    columns = make_columns()
    if level == "field":
        return tfrs_afm.FieldEmbedding(columns)
    return tfrs_afm.IdEmbedding([columns[0], columns[2]])


def crossed(level: str, mode: str) -> dict[str, tf.Tensor]:
    """Crosses the three examples: the pooled vector, the logit and the probability of each."""
    embedded = make_embedding(level)(make_features())
    vectors, mask, linear = embedded[:3]
    pairs, pair_mask = parts.PairwiseProduct()(vectors, mask=mask)
    pooling = POOLINGS[mode]()
    vector = pooling(pairs, mask=pair_mask)
    logits = parts.AFM(pooling=pooling)(vectors, mask=mask, linear=linear)
    return {"pairs": pairs, "vector": vector, "logits": logits, "probability": tf.sigmoid(logits)}


def trained(level: str, mode: str) -> tuple[float, float]:
    """Trains the whole model on the three examples; returns its loss before and after."""
    task = tfrs_afm.tasks.Ranking(parts.AFM(pooling=POOLINGS[mode]()), metrics=[])
    embedding = make_embedding(level)
    model = tfrs_afm.models.AFM(embedding.columns, task=task, embedding=embedding)
    model.compile(tf.keras.optimizers.Adam(0.05))
    data = tf.data.Dataset.from_tensors((make_features(), tf.constant([1.0, 0.0, 1.0])))
    losses = model.fit(data.repeat(30), epochs=2, verbose=0).history["loss"]
    return losses[0], losses[-1]


def main() -> None:
    """Prints, for both levels and all poolings, shapes, probabilities and what training does."""
    view = tfrs_afm.SequenceEmbedding(make_columns())(make_features())
    for name, vectors in view.embeddings.items():
        print(f"{name}: {vectors.shape}, lengths {view.lengths[name].numpy().tolist()}")
    for level in ("field", "id"):
        for mode in POOLINGS:
            out = crossed(level, mode)
            scores = out["probability"].numpy()[:, 0].round(3).tolist()
            before, after = trained(level, mode)
            print(
                f"{level:5} {mode:9} pairs {out['pairs'].shape} vector {out['vector'].shape} "
                f"probability {scores} loss {before:.3f} -> {after:.3f}"
            )


if __name__ == "__main__":
    main()
