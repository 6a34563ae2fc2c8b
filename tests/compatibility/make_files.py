"""Writes what a release leaves behind, for later ones to read: run it by the release itself.

    python -m tests.compatibility.make_files OUT.tar.xz

In the archive: `features.json`, and for AFM and DeepFM a `.keras` file, a TensorFlow checkpoint
with the optimizer's slots, weights alone, a served version and the scores; a run of
`python -m pipelines train` that two of its four epochs are done of, and its learning curve to the
end.
"""

import json
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

CONFIGURATION = """
[data]
format = "csv"
train = "clicks.csv"
label = "clicked"
group = "user"
lists = {tags = "|"}
split = {by = "random"}
batch_size = 64

[[columns]]
kind = "categorical_column_with_identity"
key = "user"
dimension = 4

[[columns]]
kind = "categorical_column_with_vocabulary_list"
key = "tags"
dimension = 4
pooling = {kind = "LastK", k = 1}

[[columns]]
kind = "bucketized_column"
key = "price"
dimension = 4

[model]
dim = 4
attention_units = 3
deep = {units = [4]}

[training]
epochs = 2
optimizer = {learning_rate = 0.02}

[evaluation]
bootstrap = 0
"""


def features(rows: int = 24) -> dict[str, Any]:
    """Plain values, lists for what is a sequence."""
    draw = random.Random(5)
    return {
        "movie_id": [draw.randrange(30) for _ in range(rows)],
        "history": [[draw.randrange(30) for _ in range(draw.randrange(4))] for _ in range(rows)],
        "age": [[round(draw.random(), 3)] for _ in range(rows)],
        "price": [[round(draw.random() * 12, 2)] for _ in range(rows)],
        "genre": [draw.choice(["a", "b", "c", "z"]) for _ in range(rows)],
        "tags": [[draw.choice("xyw"), draw.choice("xyw")] for _ in range(rows)],
        "tag_weights": [[draw.random() + 0.5, draw.random() + 0.5] for _ in range(rows)],
    }


def tensors(plain: dict[str, Any]) -> dict[str, Any]:
    """The features as a model takes them."""
    import tensorflow as tf

    lists = ("history", "tags", "tag_weights")
    return {
        name: tf.ragged.constant(values) if name in lists else tf.constant(values)
        for name, values in plain.items()
    }


def columns() -> list[Any]:
    """Columns of many kinds."""
    import tensorflow as tf

    import tfrs_afm

    fc = tf.feature_column
    history = fc.sequence_categorical_column_with_identity("history", 30)
    movie = fc.categorical_column_with_identity("movie_id", 30)
    genre = fc.categorical_column_with_vocabulary_list("genre", ["a", "b", "c"], num_oov_buckets=1)
    price = fc.bucketized_column(fc.numeric_column("price"), [1.0, 5.0, 10.0])
    tags = tfrs_afm.sequence_weighted_categorical_column(
        fc.sequence_categorical_column_with_hash_bucket("tags", 20), "tag_weights"
    )
    return [
        *tfrs_afm.shared_embeddings([history, movie], 4, combiner="mean"),
        fc.numeric_column("age", default_value=0.5),
        *(fc.embedding_column(column, 4) for column in (genre, price, tags)),
    ]


def models() -> dict[str, Any]:
    """Fresh models by name."""
    import tfrs_afm

    rule = tfrs_afm.embeddings.LastK(2)
    made = columns()
    embedding = tfrs_afm.FieldEmbedding(made, l2=0.01, pooling={made[5].name: rule})
    task = tfrs_afm.tasks.AFM(3, 0.1, deep=tfrs_afm.interactions.Deep([4]))
    return {
        "afm": tfrs_afm.models.AFM(made, task=task, embedding=embedding),
        "deepfm": tfrs_afm.models.DeepFM(columns(), units=[4], dropout=0.1, l2=0.01),
    }


def _write(out: Path) -> None:
    import numpy as np
    import tensorflow as tf

    import serving
    import tfrs_afm

    plain = features()
    (out / "features.json").write_text(json.dumps(plain))
    labels = np.asarray([float(movie < 15) for movie in plain["movie_id"]], np.float32)
    train = tf.data.Dataset.from_tensor_slices((tensors(plain), labels)).batch(8)
    for name, model in models().items():
        model.compile(tfrs_afm.optimizers.Adam(0.05))
        model.fit(train, epochs=3, verbose=0)
        np.save(out / f"{name}.npy", model.predict(tensors(plain), verbose=0))
        model.save(out / f"{name}.keras")
        model.save_weights(str(out / f"{name}-weights"))
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(out / f"{name}-ckpt"))
        serving.export(model, out / f"{name}-versions")
    draw = random.Random(1)
    lines = ["user,price,tags,clicked"]
    for _ in range(300):
        user, price = draw.randrange(20), draw.random() * 50
        tags = "|".join(draw.sample(["a", "b", "c"], 2))
        lines.append(f"{user},{price:.2f},{tags},{user % 2}")
    (out / "clicks.csv").write_text("\n".join(lines) + "\n")
    (out / "clicks.toml").write_text(CONFIGURATION)

    def pipelines(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "pipelines", *words], cwd=out, check=True)

    pipelines("train", "--config", "clicks.toml", "--out", "run")
    pipelines("train", "--config", "clicks.toml", "--out", "whole", "--set", "training.epochs=4")
    shutil.move(out / "whole" / "history.jsonl", out / "whole.jsonl")
    shutil.rmtree(out / "whole")
    shutil.rmtree(out / "run" / "logs")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        with tarfile.open(sys.argv[1], "w:xz") as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.add(path, path.name)
