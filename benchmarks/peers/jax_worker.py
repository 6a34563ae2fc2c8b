"""Trains a textbook AFM or DeepFM in JAX; run by an interpreter that has jax and optax."""

import json
import os
import sys

job = json.loads(sys.argv[1])
if job["intra"] * job["inter"] == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from answer import answer

FEATURES = 5400
batch, fields, dim = job["batch"], job["fields"], job["dim"]
rows = FEATURES // fields
rng = np.random.default_rng(0)
first, second = np.triu_indices(fields, 1)
offsets = np.arange(fields) * rows


def drawn(*shape: int) -> Any:
    return jnp.asarray(rng.normal(size=shape) / np.sqrt(shape[0]), jnp.float32)


weights = {
    "vectors": drawn(FEATURES, dim),
    "linear": drawn(FEATURES, 1),
    "bias": jnp.zeros(1),
}
if job["model"] == "AFM":
    weights |= {"W": drawn(dim, job["units"]), "b": jnp.zeros(job["units"])}
    weights |= {"h": drawn(job["units"], 1), "p": drawn(dim, 1)}
else:
    widths = [fields * dim, *job["tower"], 1]
    weights["tower"] = [(drawn(i, o), jnp.zeros(o)) for i, o in itertools.pairwise(widths)]


def logits(parts: Any, ids: Any) -> Any:
    ids = ids + offsets
    v = parts["vectors"][ids]
    out = parts["bias"] + parts["linear"][ids].sum(1)
    if job["model"] == "AFM":
        products = v[:, first] * v[:, second]
        scores = jax.nn.relu(products @ parts["W"] + parts["b"]) @ parts["h"]
        pooled = (jax.nn.softmax(scores, axis=1) * products).sum(1)
        return (out + pooled @ parts["p"])[:, 0]
    pairs = 0.5 * (v.sum(1) ** 2 - (v**2).sum(1)).sum(1, keepdims=True)
    hidden = v.reshape(len(ids), -1)
    for kernel, bias in parts["tower"][:-1]:
        hidden = jax.nn.relu(hidden @ kernel + bias)
    kernel, bias = parts["tower"][-1]
    return (out + pairs + hidden @ kernel + bias)[:, 0]


def loss(parts: Any, ids: Any, labels: Any) -> Any:
    return optax.sigmoid_binary_cross_entropy(logits(parts, ids), labels).mean()


optimizer = optax.adam(0.001)


@jax.jit
def step(parts: Any, state: Any, ids: Any, labels: Any) -> Any:
    value, gradients = jax.value_and_grad(loss)(parts, ids, labels)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(parts, updates), state, value


batches = [
    (
        jnp.asarray(rng.integers(0, rows, (batch, fields))),
        jnp.asarray(rng.integers(0, 2, batch), jnp.float32),
    )
    for _ in range(8)
]
now = (weights, optimizer.init(weights))


def train(number: int) -> float:
    """A step, waited for."""
    global now
    *now, value = step(*now, *batches[number % 8])
    return float(value)


answer(train)
