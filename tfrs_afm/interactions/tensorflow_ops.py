"""TensorFlow's operations under the names that `keras.ops` of Keras 3 has for them.

`formulas` is written against these names; here is what it uses of them, one operation a name, so
that a served graph is as small as one written by hand.
"""

import tensorflow as tf

from tfrs_afm.types import Tensor

argmax = tf.argmax
cast = tf.cast
concatenate = tf.concat
convert_to_tensor = tf.convert_to_tensor
divide_no_nan = tf.math.divide_no_nan
einsum = tf.einsum
exp = tf.exp
matmul = tf.matmul
arange = tf.range
mean = tf.reduce_mean
one_hot = tf.one_hot
ones_like = tf.ones_like
pad = tf.pad
relu = tf.nn.relu
scatter = tf.scatter_nd
segment_sum = tf.math.unsorted_segment_sum
shape = tf.shape
square = tf.square
softmax = tf.nn.softmax
squeeze = tf.squeeze
sum = tf.reduce_sum
take = tf.gather
transpose = tf.transpose
where = tf.where
zeros_like = tf.zeros_like


def nonzero(x: Tensor) -> list[Tensor]:
    """Returns the places of what is true, one tensor a dimension."""
    return tf.unstack(tf.where(x), axis=1)
