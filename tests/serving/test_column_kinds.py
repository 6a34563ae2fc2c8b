import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from tests.columns import kinds


def groups(columns: dict[str, Any]) -> list[list[Any]]:
    """Lists of columns that can stand together: kinds over one feature may share a name."""
    made: list[list[Any]] = []
    for column in columns.values():
        fitting = (group for group in made if column.name not in {other.name for other in group})
        group = next(fitting, None)
        if group is None:
            made.append([column])
        else:
            group.append(column)
    return made


def examples() -> list[bytes]:
    written = []
    for ints, words, floats, number, pair in zip(
        kinds.INTS,
        kinds.WORDS,
        kinds.FLOATS,
        kinds.NUMBERS,
        kinds.features()["pair"].numpy().tolist(),
        strict=True,
    ):
        example = tf.train.Example()
        feature = example.features.feature
        feature["ints"].int64_list.value.extend(ints)
        feature["words"].bytes_list.value.extend(word.encode() for word in words)
        feature["floats"].float_list.value.extend(floats)
        feature["number"].float_list.value.extend(number)
        feature["pair"].float_list.value.extend(pair)
        written.append(example.SerializeToString())
    return written


class Served(tf.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.embedding, self.task = model.embedding, model.task.interaction
        self.spec = tfrs_afm.parse_spec(model.columns)
        self.score = model.logits

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def __call__(self, examples: Any) -> dict[str, Any]:
        return {"logits": self.score(tf.io.parse_example(examples, self.spec))}


@pytest.mark.long
def test_every_kind_trains_and_answers_the_same_through_the_c_library(
    tmp_path: pathlib.Path,
) -> None:
    batch = examples()
    columns = kinds.columns(tmp_path)
    served = 0
    for number, group in enumerate(groups(columns)):
        model = tfrs_afm.models.AFM(group, attention_units=4, dim=kinds.DIM)
        model.compile(tf.keras.optimizers.Adagrad(0.3))
        features = tf.io.parse_example(batch, tfrs_afm.parse_spec(group))
        data = tf.data.Dataset.from_tensors((features, tf.constant([0.0, 1.0, 1.0, 0.0])))
        model.fit(data.repeat(3), verbose=0)
        expected = model.logits(features).numpy()
        module = Served(model)
        path = str(tmp_path / str(number))
        tf.saved_model.save(module, path, signatures={"serving_default": module.__call__})
        with serving.Session(path) as session:
            answer = session.run("serving_default", {"examples": batch})["logits"]
        np.testing.assert_allclose(answer, expected, atol=1e-6)
        served += len(group)
    assert served == len(kinds.KINDS)
