"""What the layers of Keras 3 must do on whichever backend a process has.

The tests call these under TensorFlow. `python -m tests.keras3.checks FOLDER` is the process that
calls them all under another backend, with what `test_interactions` left in the folder.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from tests import oracles
from tfrs_afm.keras3 import interactions

Array = np.ndarray
Expected = Mapping[str, Array]

# By a function of the package with the parts, that of Keras 2 or of Keras 3.
LAYERS: dict[str, Callable[[Any], Any]] = {
    "factorization machine": lambda parts: parts.FactorizationMachine(),
    "deep": lambda parts: parts.Deep([6, 5], "tanh", batch_norm=True, l2=0.1),
    "afm": lambda parts: parts.AFM(3, 0.1, 0.2, 0.1, 2.0),
    "afm with tower": lambda parts: parts.AFM(3, deep=parts.Deep([4], dropout=0.2)),
    "sums": lambda parts: parts.AFM(pooling=parts.SumPooling()),
    "averages": lambda parts: parts.AFM(pooling=parts.AveragePooling()),
    "maxima": lambda parts: parts.AFM(pooling=parts.MaxPooling()),
    "own attention": lambda parts: parts.AFM(pooling=parts.AttentionPooling(3, 0.2, 0.1, 2.0, 0.3)),
    "attention without softmax": lambda parts: parts.AFM(
        pooling=parts.AttentionPooling(3, softmax=False)
    ),
    "field weights": lambda parts: parts.AFM(pooling=parts.FieldPairWeights()),
    "field matrices": lambda parts: parts.AFM(pooling=parts.FieldPairMatrices(0.1)),
    "batch norm": lambda parts: parts.AFM(
        pooling=parts.BatchNormPooling(parts.AttentionPooling(3), 0.9)
    ),
    "batch norm of pairs": lambda parts: parts.AFM(
        pooling=parts.BatchNormPooling(parts.AttentionPooling(3), 0.9, of_pairs=True)
    ),
    "deepfm": lambda parts: parts.DeepFM([6, 5], dropout=0.1),
    "gated": lambda parts: parts.FieldGate(parts.DeepFM([4])),
    "in sets": lambda parts: parts.MultiEmbedding(parts.AFM(3, deep=parts.Deep([2])), 2),
}
PLAIN = ("factorization machine", "deep")  # of one answer, without linear terms and shares

VECTORS = np.random.default_rng(5).normal(size=(6, 4, 4)).astype(np.float32)
LINEAR = np.random.default_rng(6).normal(size=(6, 4)).astype(np.float32)
MASK = np.array(
    [
        [True] * 4,
        [True, False] * 2,
        [False] * 4,
        [False, True, False, False],
        [True, True, True, False],
        [True] * 4,
    ]
)
GROUPS = np.array([0, 1, 0, 2])


def calls(name: str) -> dict[str, dict[str, Any]]:
    """The arguments of the calls that both are to answer alike."""
    found: dict[str, dict[str, Any]] = {"all real": {}, "masked": {"mask": MASK}}
    if name == "deep":
        return found
    linear = {} if name in PLAIN else {"linear": LINEAR}
    return {**found, "groups": {"mask": MASK, "groups": GROUPS, **linear}}


def layer_of(name: str, expected: Expected) -> Any:
    """A layer with the weights of that of Keras 2."""
    layer = LAYERS[name](interactions)
    layer(VECTORS)
    for kind in ("trainable", "non_trainable"):
        variables = getattr(layer, f"{kind}_variables")
        variables = [one for one in variables if "seed" not in one.path]
        names = [one.path.rsplit("/", 1)[-1] for one in variables]
        assert names == [*map(str, expected[f"{name}/{kind} names"])]
        for index, variable in enumerate(variables):
            variable.assign(expected[f"{name}/{kind} {index}"])
    return layer


def gradients(layer: Any, **call: Any) -> list[Array]:
    """The gradients of the sum of squares of an answer, of the vectors and of the weights."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        vectors = tf.constant(VECTORS)
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            loss = tf.reduce_sum(tf.square(layer(vectors, **call)))
        found = tape.gradient(loss, [vectors, *(one.value for one in layer.trainable_variables)])
        return [np.asarray(tf.convert_to_tensor(one)) for one in found]
    import jax

    def loss(vectors: Any, trained: Any) -> Any:
        others = [one.value for one in layer.non_trainable_variables]
        answer, _ = layer.stateless_call(trained, others, vectors, **call)
        return ops.sum(ops.square(answer))

    trained = [one.value for one in layer.trainable_variables]
    of_vectors, of_weights = jax.jit(jax.grad(loss, argnums=(0, 1)))(VECTORS, trained)
    return [np.asarray(one) for one in (of_vectors, *of_weights)]


def check_answers_and_gradients(name: str, expected: Expected) -> None:
    """They are those of Keras 2 with the same weights."""
    layer = layer_of(name, expected)
    for which, call in calls(name).items():
        answer = ops.convert_to_numpy(layer(VECTORS, **call))
        np.testing.assert_allclose(answer, expected[f"{name}/{which}"], rtol=1e-5, atol=1e-5)
    for index, gradient in enumerate(gradients(layer, mask=MASK)):
        wanted = expected[f"{name}/gradient {index}"]
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5 * scale)


def check_contributions(name: str, expected: Expected) -> None:
    """They are those of Keras 2, and add up."""
    layer = layer_of(name, expected)
    told = layer.contributions(VECTORS, MASK, LINEAR, GROUPS)
    for part, value in told._asdict().items():
        wanted = expected[f"{name}/{part}"]
        np.testing.assert_allclose(ops.convert_to_numpy(value), wanted, rtol=1e-5, atol=1e-5)
    total = ops.sum(told.linear, 1) + ops.sum(told.pairs, 1) + told.bias + told.deep
    answer = layer(VECTORS, MASK, LINEAR, GROUPS)[:, 0]
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (total, answer)), rtol=1e-3, atol=1e-4)


def check_oracles() -> None:
    """AFM, FM, field matrices and tower are the papers' sums, of loops over rows."""
    rng = np.random.default_rng(3)
    for layer in (
        interactions.AFM(3, temperature=2.0),
        interactions.AFM(pooling=interactions.FieldPairMatrices()),
        interactions.FactorizationMachine(),
        interactions.Deep([5]),
    ):
        plain = not isinstance(layer, interactions.AFM)
        arguments = (VECTORS, MASK) if plain else (VECTORS, MASK, LINEAR)
        layer(*arguments)
        for variable in layer.trainable_variables:
            variable.assign(rng.normal(size=variable.shape))
        answer = ops.convert_to_numpy(layer(*arguments))[:, 0]
        weights = [np.float64(one) for one in layer.get_weights()]
        for row, (vectors, mask) in enumerate(zip(VECTORS, MASK, strict=True)):
            wanted = _oracle(layer, weights, vectors, mask, LINEAR[row])
            np.testing.assert_allclose(answer[row], wanted, rtol=1e-4, atol=1e-4)


def _oracle(layer: Any, weights: list[Any], vectors: Array, mask: Array, terms: Array) -> float:
    if isinstance(layer, interactions.FactorizationMachine):
        return oracles.factorization_machine(vectors, mask)
    if isinstance(layer, interactions.Deep):
        flat = np.where(mask[:, None], vectors, 0).reshape(-1)
        return oracles.dense_tower(flat, [*zip(weights[::2], weights[1::2], strict=True)])
    if layer.pooling is not None:
        projection, kernel, bias = weights
        pooled = oracles.field_pairs(vectors, mask, np.eye(kernel.shape[-1]) + kernel)
    else:
        projection, bias, *attention = weights
        pairs = [product for _, _, product in oracles.pair_products(vectors, mask)]
        kernel, offset, head = attention
        shares = oracles.attention(pairs, kernel, offset, head[:, 0], 2.0)
        pooled = oracles.attention_pooling(pairs, shares, vectors.shape[1])
    return oracles.linear(terms, mask, float(bias[0])) + float(pooled @ projection[:, 0])


def check_few_members() -> None:
    """No pair gives the bias, one pair is all there is to pool; and a list is a stack."""
    for name in ("afm", "sums", "averages", "maxima", "own attention"):
        layer = LAYERS[name](interactions)
        for n in (0, 1, 2):
            for groups in (None, np.zeros(n, int)):
                vectors = VECTORS[:, :n]
                wanted = np.prod(vectors, axis=1).sum(1) if n == 2 and groups is None else 0
                answer = ops.convert_to_numpy(layer(vectors, groups=groups))[:, 0]
                np.testing.assert_allclose(answer, wanted + np.zeros(6), rtol=1e-5, atol=1e-6)
        listed = layer([VECTORS[:, i] for i in range(4)], mask=MASK)
        stacked = layer(VECTORS, mask=MASK)
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (listed, stacked)), rtol=1e-5)


def check_mask_and_groups() -> None:
    """What is behind the mask is nothing, not even NaN; groups may be any numbers."""
    dirty = np.where(MASK[:, :, None], VECTORS, np.nan)
    for name in ("afm", "deepfm", "averages"):
        layer = LAYERS[name](interactions)
        clean = ops.convert_to_numpy(layer(VECTORS, mask=MASK, groups=GROUPS))
        for groups in (GROUPS + 70, GROUPS - 2):
            other = ops.convert_to_numpy(layer(dirty, mask=MASK, groups=groups))
            np.testing.assert_allclose(other, clean, rtol=1e-6)


def check_half_precision() -> None:
    """Under mixed precision answers are of the half type, finite and near those of float32."""
    for name in LAYERS:
        whole = LAYERS[name](interactions)
        whole(VECTORS)
        config = {**whole.get_config(), "dtype": "mixed_float16"}
        half = type(whole).from_config(config)
        half(VECTORS)
        half.set_weights(whole.get_weights())
        answer = half(VECTORS, mask=MASK)
        assert keras.backend.standardize_dtype(answer.dtype) == "float16", name
        wanted = ops.convert_to_numpy(whole(VECTORS, mask=MASK))
        np.testing.assert_allclose(ops.convert_to_numpy(answer), wanted, rtol=0.05, atol=0.05)


def check_bias_before_batch_norm() -> None:
    """Batch norm takes it off again: in half precision its gradient is 0 and no rounding."""
    layer = interactions.Deep([4], batch_norm=True, dtype="mixed_bfloat16")
    layer(VECTORS)
    found = zip(layer.trainable_variables, gradients(layer)[1:], strict=True)
    zero = [one.path for one, gradient in found if not np.any(gradient)]
    assert zero == [layer.tower.layers[0].bias.path], zero


def model_of(name: str) -> Any:
    """A model as of users: embeddings with padding, weights of ids, a layer of ours."""
    ids = keras.Input((4,), dtype="int32")
    vectors = keras.layers.Embedding(20, 4, mask_zero=True)(ids)
    linear = keras.layers.Embedding(20, 1, embeddings_initializer="zeros")(ids)
    linear = keras.layers.Reshape((4,))(linear)
    return keras.Model(ids, LAYERS[name](interactions)(vectors, linear=linear))


IDS = np.random.default_rng(9).integers(0, 20, (256, 4))
LABELS = ((IDS[:, 0] < 10) == (IDS[:, 2] < 10)).astype(np.float32)[:, None]  # of a pair


def check_training(name: str, folder: Path) -> None:
    """`fit` lowers the loss, and the model answers the same after `.keras`."""
    keras.utils.set_random_seed(4)
    model = model_of(name)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss)
    losses = model.fit(IDS, LABELS, epochs=6, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0], name
    file = folder / f"{name.replace(' ', '_')}.keras"
    model.save(file)
    np.savez(file.with_suffix(".npz"), answer=model.predict(IDS, verbose=0))
    check_loading(file)


def check_loading(file: Path) -> None:
    """A saved model answers as it did where it was saved, on another backend, too."""
    answer = keras.models.load_model(file).predict(IDS, verbose=0)
    with np.load(file.with_suffix(".npz")) as saved:
        np.testing.assert_allclose(answer, saved["answer"], rtol=1e-4, atol=1e-5)


TRAINED = ("afm with tower", "batch norm", "in sets")
ALONE = (
    check_oracles,
    check_few_members,
    check_mask_and_groups,
    check_half_precision,
    check_bias_before_batch_norm,
)


def main(folder: Path) -> None:
    """Checks everything here."""
    with np.load(folder / "expected.npz") as file:
        expected = dict(file)
    for name in LAYERS:
        check_answers_and_gradients(name, expected)
        if name not in PLAIN:
            check_contributions(name, expected)
    for check in ALONE:
        check()
    for file in sorted((folder / "models").glob("*.keras")):
        check_loading(file)
    check_training("afm with tower", folder)
    sys.stdout.write(f"{len(LAYERS)} layers on {keras.backend.backend()}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
