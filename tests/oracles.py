"""The papers' sums as NumPy float64 loops; they share no code with the package."""

import itertools
import math
from typing import Any

import numpy as np

Array = np.ndarray


def real_members(mask: Array) -> list[int]:
    """Indices of the members that count."""
    return [i for i, real in enumerate(mask) if real]


def linear(terms: Array, mask: Array, bias: float) -> float:
    """w0 + sum_i w_i x_i of one row."""
    return bias + sum(float(terms[i]) for i in real_members(mask))


def pair_products(vectors: Array, mask: Array) -> list[tuple[int, int, Array]]:
    """Every real pair of one row with its element-wise product."""
    rows = vectors.astype(np.float64)
    return [(i, j, rows[i] * rows[j]) for i, j in itertools.combinations(real_members(mask), 2)]


def factorization_machine(vectors: Array, mask: Array) -> float:
    """Sum of the inner products of all real pairs of one row."""
    return sum(float(product.sum()) for _, _, product in pair_products(vectors, mask))


def attention(
    products: list[Array], kernel: Array, bias: Array, projection: Array, temperature: float = 1.0
) -> list[float]:
    """The attention of each pair of one row."""
    scores = []
    for product in products:
        score = 0.0
        for unit in range(kernel.shape[1]):
            inner = float(bias[unit])
            for d in range(kernel.shape[0]):
                inner += float(product[d]) * float(kernel[d, unit])
            score += float(projection[unit]) * max(inner, 0.0)
        scores.append(score / temperature)
    if not scores:
        return []
    top = max(scores)
    exps = [math.exp(score - top) for score in scores]
    return [value / sum(exps) for value in exps]


def attention_pooling(products: list[Array], weights: list[float], dim: int) -> Array:
    """The attention-weighted sum of the pairs of one row."""
    total = np.zeros(dim)
    for product, weight in zip(products, weights, strict=True):
        total += weight * product
    return total


def field_pairs(vectors: Array, mask: Array, matrices: Array) -> Array:
    """The sum of (v_i M_ij) * v_j over the real pairs of one row; matrices by pair, row by row."""
    n, dim = vectors.shape
    rows, total, pair = vectors.astype(np.float64), np.zeros(dim), 0
    for i in range(n):
        for j in range(i + 1, n):
            for e in range(dim) if mask[i] and mask[j] else ():
                turned = sum(rows[i, d] * float(matrices[pair, d, e]) for d in range(dim))
                total[e] += turned * rows[j, e]
            pair += 1
    return total


def gated(vectors: Array, mask: Array, kernel: Array, bias: Array) -> Array:
    """v_i (1 + b_i + sum_j W_ij v_j) of one row, zeros for fields that are not real."""
    rows = vectors.astype(np.float64)
    found = np.zeros_like(rows)
    for i in real_members(mask):
        gate = float(bias[i, 0]) + sum(float(kernel[i, j]) * rows[j] for j in real_members(mask))
        found[i] = rows[i] * (1 + gate)
    return found


def dense_tower(flat: Array, layers: list[tuple[Array, Array]]) -> float:
    """A relu tower with a linear last layer, over one row."""
    hidden = flat.astype(np.float64)
    for depth, (kernel, bias) in enumerate(layers):
        hidden = np.array(
            [
                float(bias[u]) + sum(hidden[i] * float(kernel[i, u]) for i in range(len(hidden)))
                for u in range(kernel.shape[1])
            ]
        )
        if depth < len(layers) - 1:
            hidden = np.maximum(hidden, 0.0)
    return float(hidden[0])


def pooled(table: Array, ids: list[int], values: list[float] | None, combiner: str) -> Array:
    """The combined rows of one example's ids; ids below 0 do not count."""
    members = [
        (i, 1.0 if values is None else float(x))
        for i, x in zip(ids, values or [1.0] * len(ids), strict=True)
        if i >= 0 and (values is None or combiner == "sum" or x > 0)
    ]
    total = np.zeros(table.shape[1])
    for i, x in members:
        total += table[i].astype(np.float64) * x
    if not members or combiner == "sum":
        return total
    if combiner == "mean":
        return total / sum(x for _, x in members)
    return total / math.sqrt(sum(x * x for _, x in members))


def numeric_gradient(function: Any, point: Array, step: float = 1e-5) -> Array:
    """Central differences of a scalar function of an array, in float64."""
    point = point.astype(np.float64)
    gradient = np.zeros_like(point)
    for index in np.ndindex(*point.shape):
        up, down = point.copy(), point.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient
