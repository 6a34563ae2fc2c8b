"""A small SavedModel with a signature for every rule, in plain TensorFlow."""

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.sidecar import WARMUP_FILE
from serving.signatures import CLASSIFY, REGRESS
from serving.wire.records import write_records

WORDS = ("cat", "dog", "emu")
NO_SHIFT = tf.constant([0.0])


class Toy(tf.Module):
    """`y = 2 x + bias`, and what else TensorFlow Serving has rules for."""

    def __init__(self, vocabulary: Path, bias: float) -> None:
        super().__init__()
        self.bias = tf.Variable(bias)
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(initializer, -1)

    def parse(self, examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        parsed = tf.io.parse_example(
            examples,
            {
                "x": tf.io.FixedLenFeature([], tf.float32, 0.0),
                "word": tf.io.FixedLenFeature([], tf.string, "none"),
                "list": tf.io.RaggedFeature(tf.int64),
            },
        )
        total = tf.cast(tf.reduce_sum(parsed["list"], axis=1), tf.float32)
        return 2.0 * parsed["x"] + total + self.bias, self.table.lookup(parsed["word"]), parsed["x"]


def _signatures(toy: Toy) -> dict[str, tf.types.experimental.GenericFunction]:
    spec, floats = tf.TensorSpec, tf.TensorSpec([None], tf.float32, "x")
    strings = spec([None], tf.string, "inputs")

    def function(*specs: tf.TensorSpec) -> object:
        return tf.function(input_signature=list(specs))

    def regress(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": toy.parse(inputs)[0]}

    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        y = toy.parse(inputs)[0]
        classes = tf.tile([["low", "high"]], [tf.size(y), 1])
        return {"classes": classes, "scores": tf.stack([1.0 - y, y], axis=1)}

    def default(x: tf.Tensor, shift: tf.Tensor = NO_SHIFT) -> dict[str, tf.Tensor]:
        return {"y": 2.0 * x + tf.broadcast_to(shift, tf.shape(x))}

    return {
        "serving_default": function(floats)(lambda x: {"y": 2.0 * x + toy.bias}),
        "examples": function(spec([None], tf.string, "examples"))(
            lambda examples: dict(zip(("y", "word", "x"), toy.parse(examples), strict=True))
        ),
        "regression": function(strings)(regress),
        "regression_2d": function(strings)(
            lambda inputs: {"outputs": regress(inputs)["outputs"][:, None]}
        ),
        "classification": function(strings)(classify),
        "classes": function(strings)(lambda inputs: {"classes": classify(inputs)["classes"]}),
        "scores": function(strings)(lambda inputs: {"scores": classify(inputs)["scores"]}),
        "two": function(spec([None], tf.float32, "a"), spec([None], tf.float32, "b"))(
            lambda a, b: {"sum": a + b, "product": a * b}
        ),
        "echo_bytes": function(spec(None, tf.string, "s"))(
            lambda s: {"out_bytes": tf.identity(s), "text": tf.identity(s)}
        ),
        "ints": function(
            spec([None], tf.int64, "i"), spec([None], tf.int32, "j"), spec([None], tf.bool, "k")
        )(lambda i, j, k: {"i": i + 1, "j": j + 1, "k": ~k}),
        "doubles": function(spec([None], tf.float64, "d"))(lambda d: {"d": d / 3.0}),
        "halves": function(spec([None], tf.float16, "h"))(lambda h: {"h": h + 1.0}),
        "constant": function(floats)(lambda x: {"c": tf.constant(3.0) + 0.0 * tf.reduce_sum(x)}),
        "uneven": function(floats)(lambda x: {"one": x, "two": tf.concat([x, x], 0)}),
        "bad_scores_rank": function(strings)(lambda inputs: {"scores": toy.parse(inputs)[0]}),
        "bad_scores_dtype": function(strings)(
            lambda inputs: {"scores": tf.cast(classify(inputs)["scores"], tf.float64)}
        ),
        "bad_scores_batch": function(strings)(
            lambda inputs: {"scores": classify(inputs)["scores"][:1]}
        ),
        "bad_scores_width": function(strings)(
            lambda inputs: classify(inputs) | {"scores": classify(inputs)["scores"][:, :1]}
        ),
        "bad_outputs_dtype": function(strings)(
            lambda inputs: {"outputs": tf.cast(toy.parse(inputs)[0], tf.float64)}
        ),
        "bad_outputs_shape": function(strings)(
            lambda inputs: {"outputs": tf.stack([toy.parse(inputs)[0]] * 2, axis=1)}
        ),
        "bad_outputs_batch": function(strings)(
            lambda inputs: {"outputs": toy.parse(inputs)[0][:1]}
        ),
        "with_default": tf.function(
            default, input_signature=[floats, spec([None], tf.float32, "shift")]
        ),
    }


def save_toy(folder: Path, *, bias: float = 0.0) -> Path:
    """Saves the toy model, with method names and one warm-up record."""
    vocabulary = folder.parent / f"{folder.name}-words.txt"
    vocabulary.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.write_text("\n".join(WORDS) + "\n")
    toy = Toy(vocabulary, bias)
    tf.saved_model.save(toy, str(folder), signatures=_signatures(toy))
    vocabulary.unlink()  # the SavedModel has its own copy
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    for key in ("classification", "classes", "scores"):
        updater.replace_method_name(key, CLASSIFY, tags="serve")
    for key in ("regression", "regression_2d"):
        updater.replace_method_name(key, REGRESS, tags="serve")
    updater.save()
    (folder / "assets.extra").mkdir()
    write_records(folder / WARMUP_FILE, [warmup_record()])
    return folder


def warmup_record() -> bytes:
    """One regress request as a warm-up record."""
    log = prediction_log_pb2.PredictionLog()
    request = log.regress_log.request
    request.model_spec.name = "some other name"
    request.model_spec.signature_name = "regression"
    request.input.example_list.examples.add()
    return bytes(log.SerializeToString())


def example(**features: float | str | list[int]) -> tf.train.Example:
    """A tf.Example of a float, a word or a list of integers by name."""
    built = tf.train.Example()
    for name, value in features.items():
        feature = built.features.feature[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, list):
            feature.int64_list.value.extend(value)
        else:
            feature.float_list.value.append(value)
    return built
