"""The one behavioural contract of all layers."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


def _arrays(output: Any) -> list[np.ndarray]:
    return [np.asarray(part) for part in tf.nest.flatten(output) if part is not None]


def _equal(left: Any, right: Any, tolerance: float = 1e-5) -> None:
    for one, other in zip(_arrays(left), _arrays(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def _rows(inputs: tuple[Any, ...], start: int, stop: int) -> tuple[Any, ...]:
    return tuple(None if part is None else part[start:stop] for part in inputs)


class _Exported(tf.Module):
    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer


def check_layer(
    make: Callable[[], Any],
    inputs: tuple[Any, ...],
    path: pathlib.Path,
    *,
    variable_members: bool = True,
) -> None:
    """Checks what every layer promises.

    Args:
        make: Makes a new layer.
        inputs: Positional inputs of the call, batch first; None for an optional one left out.
        path: A folder to save into.
        variable_members: Whether the number of members may be unknown when the graph is made.
    """
    layer = make()
    output = layer(*inputs)

    clone = type(layer).from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    clone(*inputs)
    clone.set_weights(layer.get_weights())
    _equal(clone(*inputs), output)

    def spec(part: Any) -> Any:
        if part is None:
            return None
        members = None if variable_members and part.ndim > 1 else part.shape[1]
        shape = [None, members, *part.shape[2:]][: part.ndim]
        return tf.TensorSpec(shape, part.dtype)

    graph = tf.function(lambda *parts: layer(*parts))
    concrete = graph.get_concrete_function(*[spec(part) for part in inputs])
    _equal(concrete(*[part for part in inputs if part is not None]), output)

    module = _Exported(layer)
    module.run = graph
    tf.saved_model.save(module, str(path), signatures=None)
    reloaded = tf.saved_model.load(str(path))
    _equal(reloaded.run(*inputs), output)

    size = int(inputs[0].shape[0])
    single = [_arrays(layer(*_rows(inputs, i, i + 1))) for i in range(size)]
    _equal([np.concatenate(parts) for parts in zip(*single, strict=True)], output)

    with tf.GradientTape() as tape:
        values = [part for part in tf.nest.flatten(layer(*inputs)) if part.dtype.is_floating]
        loss = tf.add_n([tf.reduce_sum(tf.square(value + 1.0)) for value in values])
    gradients = tape.gradient(loss, layer.trainable_variables)
    for gradient, variable in zip(gradients, layer.trainable_variables, strict=True):
        assert gradient is not None, f"no gradient reaches {variable.name}"
        assert np.isfinite(np.asarray(tf.convert_to_tensor(gradient))).all(), variable.name

    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_float16"})
    for value in tf.nest.flatten(half(*inputs)):
        if value.dtype.is_floating:
            assert value.dtype == tf.float16
            assert np.isfinite(np.asarray(value)).all()
