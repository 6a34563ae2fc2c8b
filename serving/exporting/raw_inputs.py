"""Features as named tensors instead of serialized examples."""

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

_PADDING = {tf.string: b"padding", tf.int64: 0, tf.float32: 0.5}
"""What the golden rows' lists are filled up with. Any value does: the lengths count."""


class RawInputs:
    """The inputs of the `tensors` signature.

    A feature of a fixed size is one tensor, `(batch,)` for one value. A list is two: a dense
    `(batch, longest)` tensor and the lengths `(batch,)`, so that what fills up the rows never
    counts, whoever fills them up: a server that batches repeats the first value.

    Args:
        spec: The parse spec of the features.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = {key: spec[key] for key in sorted(spec)}
        taken: set[str] = set()
        self.inputs = {key: key for key in self._spec if _alias(key) == key}
        taken.update(self.inputs.values())
        for key in self._spec:
            if key not in self.inputs:
                self.inputs[key] = _free(_alias(key), taken)
        self.lengths = {
            key: _free(f"{self.inputs[key]}_length", taken)
            for key, feature in self._spec.items()
            if isinstance(feature, tf.io.VarLenFeature)
        }

    def specs(self) -> dict[str, Any]:
        """A `TensorSpec` for each input, by its name."""
        found = {}
        for key, feature in self._spec.items():
            name = self.inputs[key]
            if key in self.lengths:
                found[name] = tf.TensorSpec([None, None], feature.dtype, name)
                length = self.lengths[key]
                found[length] = tf.TensorSpec([None], tf.int64, length)
            else:
                shape = _shape(feature)
                found[name] = tf.TensorSpec([None, *shape], feature.dtype, name)
        return found

    def features(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The features that parsing examples would have given.

        Args:
            tensors: Tensors by input name.

        Returns:
            Features by name; lists are SparseTensors of their true lengths.
        """
        found: dict[str, Any] = {}
        for key, feature in self._spec.items():
            tensor = tensors[self.inputs[key]]
            if key in self.lengths:
                found[key] = _list(key, tensor, tensors[self.lengths[key]])
            else:
                tensor = tf.ensure_shape(tensor, [None, *_shape(feature)])
                shape = tf.TensorShape(feature.shape).as_list()
                found[key] = tf.reshape(tensor, [tf.shape(tensor)[0], *shape])
        return found

    def arrays(self, features: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """Parsed features as the arrays that a client would send.

        Args:
            features: What parsing examples gave, eagerly.
        """
        found = {}
        for key, feature in self._spec.items():
            parsed = features[key]
            if key in self.lengths:
                rows = int(parsed.dense_shape[0])
                dense = tf.sparse.to_dense(parsed, _PADDING[feature.dtype])
                found[self.inputs[key]] = dense.numpy()
                counts = np.bincount(parsed.indices.numpy()[:, 0], minlength=rows)
                found[self.lengths[key]] = counts.astype(np.int64)
            else:
                shape = [-1, *_shape(feature)]
                found[self.inputs[key]] = tf.reshape(parsed, shape).numpy()
        return found


def _list(key: str, dense: Any, lengths: Any) -> Any:
    dense = tf.ensure_shape(dense, [None, None])
    lengths = tf.ensure_shape(lengths, [None])
    shape = tf.shape(dense, tf.int64)
    with tf.control_dependencies(
        [
            tf.debugging.assert_equal(
                tf.size(lengths, tf.int64),
                shape[0],
                f"the lengths of feature '{key}' must be one per row.",
            ),
            tf.debugging.assert_non_negative(
                lengths, f"the lengths of feature '{key}' must not be negative."
            ),
            tf.debugging.assert_less_equal(
                lengths, shape[1], f"the lengths of feature '{key}' must fit its width."
            ),
        ]
    ):
        return tf.RaggedTensor.from_tensor(dense, lengths=tf.identity(lengths)).to_sparse()


def _shape(feature: Any) -> list[int]:
    """The shape after the batch; one value needs no axis."""
    shape = tf.TensorShape(feature.shape)
    return [] if shape.num_elements() == 1 else shape.as_list()


def _alias(key: str) -> str:
    """A name that TensorFlow can save: it drops or refuses others."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", key)
    if name.startswith("_") or keyword.iskeyword(name) or name == "self":
        name = f"feature_{name.lstrip('_')}"
    return name


def _free(name: str, taken: set[str]) -> str:
    candidates: Iterable[str] = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    free = next(one for one in (name, *candidates) if one not in taken)
    taken.add(free)
    return free
